"""The running sandbox: the world, the simulated clock, what schools allow, and the journal that keeps these across
restarts."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from hashlib import sha256
from pathlib import Path

import msgspec

from sandbox.calendar import epoch, school_days
from sandbox.faults import Faults
from sandbox.groupcall.scopes import SCOPES as GROUPCALL_SCOPES
from sandbox.odd_names import rename
from sandbox.schools import MIS, School
from sandbox.view import Clock, SchoolView
from sandbox.wonde import scopes
from sandbox.wonde.wire import ApiError
from sandbox.world import Parameters, World

#: The simulated moment of every day: after school and after the day's marks, before the nightly copy.
EVENING = time(19, 0)
STATES = ("approved", "pending", "revoked", "declined", "audited", "offline")
#: Schools kept in memory at once, at about ten megabytes each.
_VIEWS_KEPT = 48


class _Journal(msgspec.Struct):
    """What control calls have changed, as kept on disk, by id of the school.

    ``denied`` holds the scopes of both partners, whose names do not meet. ``minutes_old`` is the age of what Groupcall
    answers from. ``approvals`` counts those given since the world began, ``migrations`` are the systems moved to.
    """

    today: date
    states: dict[str, str] = {}
    denied: dict[str, list[str]] = {}
    minutes_old: dict[str, int] = {}
    approvals: dict[str, int] = {}
    migrations: dict[str, list[str]] = {}


class Site:
    """One sandbox process's state. Not thread-safe: used from one event loop."""

    def __init__(self, directory: Path, parameters: Parameters, *, reset: bool = False) -> None:
        self.directory = directory
        self.world = World(directory, parameters)
        self.world.prepare()
        self.faults = Faults()
        #: Called with a school and its new state.
        self.on_state: Callable[[School, str], None] = lambda school, state: None
        self.token = f"sandbox-{sha256(f'token/{parameters.seed}'.encode()).hexdigest()[:24]}"
        self._journal_path = directory / f"journal-{parameters.key}-{parameters.today}.json"
        if reset:
            self._journal_path.unlink(missing_ok=True)
        self._journal = (
            msgspec.json.decode(self._journal_path.read_bytes(), type=_Journal)
            if self._journal_path.exists()
            else _Journal(parameters.today)
        )
        self._views: OrderedDict[tuple[str, int], SchoolView] = OrderedDict()

    @property
    def clock(self) -> Clock:
        """The simulated moment."""
        today = self._journal.today
        return Clock(today, epoch(today, EVENING))

    def state(self, school: School) -> str:
        """How a school stands towards the application."""
        return self._journal.states.get(school.id, school.state)

    def schools(self, *states: str) -> list[School]:
        """Schools in any of the named states (all of them if none is named)."""
        return [school for school in self.world.schools if not states or self.state(school) in states]

    def find(self, school_id: str) -> School:
        """A school of any state.

        Raises ApiError 404 for an id that is not on the register.
        """
        school = self.world.by_id.get(school_id)
        if school is None:
            raise ApiError(404, "resource_not_found", f"No school with id {school_id}")
        return school

    def denied(self, school: School) -> frozenset[str]:
        """Scopes that a school has switched off."""
        return frozenset(self._journal.denied.get(school.id, ()))

    def approvals(self, school: School) -> int:
        """How often a school has been approved again; each time gives new secrets."""
        return self._journal.approvals.get(school.id, 0)

    def school_token(self, school: School) -> str:
        """Wonde's token of one school, good for as long as the approval that came with it."""
        text = f"token/{self.world.parameters.seed}/{school.id}/{self.approvals(school)}"
        return f"sandbox-school-{sha256(text.encode()).hexdigest()[:24]}"

    def mis(self, school: School) -> str:
        """The system that a school uses now."""
        moves = self._journal.migrations.get(school.id)
        return moves[-1] if moves else school.mis

    def view(self, school_id: str) -> SchoolView:
        """An approved school as it stands now.

        Raises ApiError 404 if it is unknown or not approved.
        """
        school = self.find(school_id)
        if self.state(school) != "approved":
            raise ApiError(404, "resource_not_found", f"School {school_id} has not approved this application")
        return self.any_view(school)

    def any_view(self, school: School, minutes_old: int = 0) -> SchoolView:
        """A school as it stands now, or stood some minutes ago, approved or not."""
        key = (school.id, minutes_old)
        view = self._views.get(key)
        if view is None:
            clock = self.clock
            if minutes_old:
                now = clock.now - 60 * minutes_old
                clock = Clock(datetime.fromtimestamp(now, UTC).date(), now)
            data = self.world.data(school)
            if school.id in self.faults.oddly_named:
                data = rename(data)
            view = self._views[key] = SchoolView(
                data, clock, self.denied(school), tuple(self._journal.migrations.get(school.id, ()))
            )
            if len(self._views) > _VIEWS_KEPT:
                _, oldest = self._views.popitem(last=False)
                self.world.forget(oldest.school)
        self._views.move_to_end(key)
        return view

    def cached_view(self, school: School) -> SchoolView:
        """A school as Groupcall's cache holds it."""
        return self.any_view(school, self._journal.minutes_old.get(school.id, 0))

    # -- changes -------------------------------------------------------------------------------------------------------

    def advance(self, days: int) -> date:
        """Move the clock on by so many school days; returns the new day.

        Raises ApiError 409 at the end of the world, which is the summer after ``today``'s own academic year's next one.
        """
        ahead = [day for day in school_days(self.world.parameters.years) if day > self._journal.today]
        if len(ahead) < days:
            raise ApiError(
                409, "end_of_world", f"Only {len(ahead)} school days are left; start the sandbox with a later --today"
            )
        if days:
            self._journal.today = ahead[days - 1]
            self._changed()
        return self._journal.today

    def set_state(self, school: School, state: str) -> None:
        """Put a school in a state and tell ``on_state`` if it is another.

        Raises ApiError 422 for a word that is not a state.
        """
        if state not in STATES:
            raise ApiError(422, "invalid_state", f"state must be one of {', '.join(STATES)}, not {state!r}")
        if state == self.state(school):
            return
        self._journal.states[school.id] = state
        if state == "approved":
            self._journal.approvals[school.id] = self.approvals(school) + 1
        self._changed()
        self.on_state(school, state)

    def migrate(self, school: School, mis: str) -> str:
        """Move a school to another MIS: every id changes, data and times do not. Returns the system before.

        Raises ApiError 422 for a system that is not known.
        """
        if mis not in MIS:
            raise ApiError(422, "invalid_mis", f"mis must be one of {', '.join(MIS)}, not {mis!r}")
        before = self.mis(school)
        self._journal.migrations.setdefault(school.id, []).append(mis)
        self._changed()
        return before

    def set_scope(self, school: School, scope: str, *, granted: bool) -> None:
        """Switch one of a school's scopes, of either partner, on or off.

        Raises ApiError 422 for a scope that does not exist.
        """
        there_are = (*scopes.ALL, *GROUPCALL_SCOPES)
        if scope not in there_are:
            raise ApiError(422, "invalid_scope", f"No scope {scope!r}; there are {', '.join(there_are)}")
        denied = set(self._journal.denied.get(school.id, ()))
        self._journal.denied[school.id] = sorted(denied - {scope} if granted else denied | {scope})
        self._changed()

    def set_faults(self, body: bytes) -> int:
        """Put the faults of a JSON body in force instead of those before; returns their number.

        Raises msgspec.ValidationError for a body of another shape.
        """
        before = self.faults.oddly_named
        count = self.faults.replace(body)
        if self.faults.oddly_named != before:
            self._views.clear()
        return count

    def set_cache_age(self, school: School, minutes: int) -> None:
        """Let Groupcall answer for a school as things stood so many minutes ago.

        Raises ApiError 422 for less than none.
        """
        if minutes < 0:
            raise ApiError(422, "invalid_age", f"minutes must be 0 or more, not {minutes}")
        self._journal.minutes_old[school.id] = minutes
        self._changed()

    def _changed(self) -> None:
        scratch = self._journal_path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(msgspec.json.encode(self._journal))
        scratch.replace(self._journal_path)
        self._views.clear()
