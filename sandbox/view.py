"""One school as it stands at the simulated moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from sandbox.calendar import academic_year
from sandbox.identity import Kind, partner_id, person_hash
from sandbox.pupils import Pupil
from sandbox.schools import MIS, Mis, School
from sandbox.timetable import TeachingClass
from sandbox.world import SchoolData

T = TypeVar("T")
NumberArray = npt.NDArray[np.int64]

#: Numbers of the MIS: where those of each kind begin.
_FIRST_NUMBER: dict[Kind, int] = {
    Kind.YEAR: 29,
    Kind.HOUSE: 60,
    Kind.GROUP: 188,
    Kind.CLASS: 9929,
    Kind.SUBJECT: 520,
    Kind.PERIOD: 191,
    Kind.ROOM: 24,
    Kind.LESSON: 46000,
    Kind.ASPECT: 702,
    Kind.RESULT_SET: 31,
    Kind.RESULT: 1289067,
    Kind.TEMPLATE: 1121,
    Kind.MARKSHEET: 5372,
    Kind.EXCLUSION: 2318,
    Kind.CONTRACT: 761,
    Kind.ROLE: 0,
    Kind.SEN_NEED: 0,
    Kind.PERIOD_OF_STATUS: 0,
    # An enrolment that its person's later one has taken the person's own number from; see groupcall.ids.
    Kind.STUDENT: 900_000,
}
#: How far every number moves when a school changes its MIS.
_MIGRATION_STEP = 20_000_000


@dataclass(frozen=True)
class Clock:
    """The simulated moment: the evening of ``today``; ``now`` is seconds UTC."""

    today: date
    now: int


class SchoolView:
    """Read-only cut through a school's timeline; thrown away when the clock moves or the school's scopes change.

    ``denied`` are the scopes that the school has switched off, of either partner. ``migrations`` are the systems the
    school has moved to since the world began: the data stay, every id is another.
    """

    def __init__(
        self, data: SchoolData, clock: Clock, denied: frozenset[str], migrations: tuple[str, ...] = ()
    ) -> None:
        self._shift = _MIGRATION_STEP * len(migrations)
        self.data = _renumbered(data, self._shift) if migrations else data
        self.clock = clock
        self.denied = denied
        self.school: School = data.school
        self.mis: Mis = MIS[migrations[-1] if migrations else data.school.mis]
        self.year = academic_year(clock.today)
        self._remembered: dict[str, object] = {}

    # -- ids -----------------------------------------------------------------------------------------------------------

    def partner_id(self, kind: Kind, number: int) -> str:
        """Wonde's id of something."""
        return partner_id(kind, number + self._shift)

    def mis_id(self, kind: Kind, number: int) -> str:
        """The MIS's own number of something that is not a person."""
        return str(_FIRST_NUMBER[kind] + number + self._shift)

    def first_mis_id(self, mis_id: str) -> int:
        """A person's number in the school's first MIS."""
        return int(mis_id) - self._shift

    def remember(self, name: str, make: Callable[[], T]) -> T:
        """Compute something once for as long as this view lasts."""
        if name not in self._remembered:
            self._remembered[name] = make()
        value: T = self._remembered[name]  # type: ignore[assignment]
        return value

    def granted(self, scope: str) -> bool:
        """Whether the school lets a scope be read."""
        return scope not in self.denied

    # -- pupils --------------------------------------------------------------------------------------------------------

    @cached_property
    def current(self) -> list[int]:
        """Numbers of the pupils on roll."""
        today = self.clock.today
        return [
            pupil.number
            for pupil in self._known
            if pupil.admission <= today and (pupil.leaving is None or pupil.leaving >= today)
        ]

    @cached_property
    def leavers(self) -> list[int]:
        """Numbers of the enrolments that have ended."""
        today = self.clock.today
        return [pupil.number for pupil in self._known if pupil.leaving is not None and pupil.leaving < today]

    @cached_property
    def pre_admissions(self) -> list[int]:
        """Numbers of the pupils who are to come."""
        return [pupil.number for pupil in self._known if pupil.admission > self.clock.today]

    @cached_property
    def is_current(self) -> npt.NDArray[np.bool_]:
        """By pupil number: whether on roll."""
        flags = np.zeros(len(self.data.pupils), dtype=bool)
        flags[self.current] = True
        return flags

    @property
    def _known(self) -> list[Pupil]:
        return [pupil for pupil in self.data.pupils if pupil.created <= self.clock.now]

    def nc_year(self, pupil: Pupil) -> int:
        """NC year now, or the one a leaver left from, or the one a newcomer will join."""
        year = self.year
        if pupil.leaving is not None and pupil.leaving < self.clock.today:
            year = academic_year(pupil.leaving)
        elif pupil.admission > self.clock.today:
            year = academic_year(pupil.admission)
        return pupil.nc_year(year, self.data.years[0])

    def updated(self, created: int, events: list[int]) -> int:
        """Last change up to now."""
        place = bisect_right(events, self.clock.now)
        return events[place - 1] if place else created

    @cached_property
    def pupil_updated(self) -> NumberArray:
        """By pupil number: when the record last changed."""
        return np.array([self.updated(pupil.created, pupil.events) for pupil in self.data.pupils], dtype=np.int64)

    # -- classes -------------------------------------------------------------------------------------------------------

    @cached_property
    def classes(self) -> list[TeachingClass]:
        """Classes of the present academic year."""
        return [group for group in self.data.classes if group.year == self.year]

    @cached_property
    def classes_of(self) -> dict[int, list[TeachingClass]]:
        """Classes of each pupil on roll."""
        found: dict[int, list[TeachingClass]] = {}
        for group in self.classes:
            for member in group.members:
                found.setdefault(member, []).append(group)
        return found

    @cached_property
    def forms(self) -> list[tuple[int, int, list[int]]]:
        """Registration groups of the present year: (NC year, form, numbers of the pupils on roll)."""
        found: dict[tuple[int, int], list[int]] = {}
        for number in self.current:
            pupil = self.data.pupils[number]
            found.setdefault((self.nc_year(pupil), pupil.form), []).append(number)
        return [(nc_year, form, members) for (nc_year, form), members in sorted(found.items())]


def _renumbered(data: SchoolData, shift: int) -> SchoolData:
    """The same school in another MIS: people have other numbers, and with them other hashes."""
    school = data.school

    def number(mis_id: str) -> str:
        return str(int(mis_id) + shift)

    return replace(
        data,
        pupils=[
            msgspec.structs.replace(
                pupil, mis_id=number(pupil.mis_id), upi=person_hash(school.id, number(pupil.mis_id))
            )
            for pupil in data.pupils
        ],
        employees=[
            msgspec.structs.replace(
                employee,
                mis_id=number(employee.mis_id),
                upi=person_hash(school.id, f"staff/{number(employee.mis_id)}"),
            )
            for employee in data.employees
        ],
    )
