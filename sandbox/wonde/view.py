"""One school as it stands at the simulated moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sandbox.calendar import academic_year
from sandbox.pupils import Pupil
from sandbox.schools import MIS, Mis, School
from sandbox.timetable import TeachingClass
from sandbox.world import SchoolData

T = TypeVar("T")
NumberArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clock:
    """The simulated moment: the evening of ``today``; ``now`` is seconds UTC."""

    today: date
    now: int


class SchoolView:
    """Read-only cut through a school's timeline; thrown away when the clock moves or the school's scopes change.

    ``denied`` are the scopes that the school has switched off.
    """

    def __init__(self, data: SchoolData, clock: Clock, denied: frozenset[str]) -> None:
        self.data = data
        self.clock = clock
        self.denied = denied
        self.school: School = data.school
        self.mis: Mis = MIS[data.school.mis]
        self.year = academic_year(clock.today)
        self._remembered: dict[str, object] = {}

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
