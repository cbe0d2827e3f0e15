"""The simulated world on disk: generated once, loaded school by school.

A world is a whole timeline: three academic years (the one before ``today``, its own and the next) with every record's
times of creation and change. What the API shows is the timeline cut at the simulated clock, so moving the clock
forward needs no further randomness, and a world begun at a later day equals one advanced to it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import numpy as np

from sandbox.attainment import Results, assess
from sandbox.attendance import Absence, Exclusion, Register, Session, mark_attendance
from sandbox.calendar import academic_year
from sandbox.pupils import Pupil, Roster
from sandbox.schools import School, plan
from sandbox.staff import Employee, employ
from sandbox.timetable import TeachingClass, teaching_classes

#: Raised whenever generated data change, so that data of an older generator are not served.
FORMAT = 5


class Parameters(msgspec.Struct, frozen=True):
    """What a world follows from. ``size`` scales the number of pupils."""

    seed: int
    schools: int
    size: float
    today: date

    @property
    def years(self) -> list[int]:
        """Simulated academic years: last, this, next."""
        return [academic_year(self.today) + offset for offset in (-1, 0, 1)]

    @property
    def key(self) -> str:
        """Name of the world's folder; days of the same academic year share one."""
        text = f"{FORMAT}/{self.seed}/{self.schools}/{self.size}/{self.years[0]}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Lists(msgspec.Struct):
    """The part of a school that is lists of records."""

    pupils: list[Pupil]
    sessions: list[Session]
    exclusions: list[Exclusion]
    absences: list[Absence]
    classes: list[TeachingClass]
    employees: list[Employee]
    aspects: list[tuple[str, str]]
    sets: list[tuple[str, date, date]]
    values: list[str]


@dataclass
class SchoolData:
    """Everything about one school over the span."""

    school: School
    years: list[int]
    pupils: list[Pupil]
    register: Register
    classes: list[TeachingClass]
    employees: list[Employee]
    results: Results


def generate(school: School, seed: int, years: list[int]) -> SchoolData:
    """Make one school; depends on nothing but the arguments."""
    pupils = Roster(school, seed, years).build()
    return SchoolData(
        school,
        years,
        pupils,
        mark_attendance(school, seed, years, pupils),
        teaching_classes(school, seed, years, pupils),
        employ(school, seed, years),
        assess(school, seed, years, pupils),
    )


_REGISTER_COLUMNS = ("final", "session", "pupil", "earlier", "at")
_RESULT_COLUMNS = ("pupil", "aspect", "result_set", "value", "day", "at")


class World:
    """Schools of one set of parameters below a folder."""

    def __init__(self, directory: Path, parameters: Parameters) -> None:
        self.parameters = parameters
        self.directory = directory / f"world-{parameters.key}"
        self.schools = plan(parameters.seed, parameters.schools, parameters.size)
        self.by_id = {school.id: school for school in self.schools}
        self._loaded: dict[int, SchoolData] = {}

    def prepare(self) -> None:
        """Generate the approved schools that are not on disk yet."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for school in self.schools:
            if school.state == "approved" and not self._paths(school)[1].exists():
                self._save(generate(school, self.parameters.seed, self.parameters.years))

    def data(self, school: School) -> SchoolData:
        """One school's data; a school that was not approved at first is generated when it is asked for."""
        if school.index not in self._loaded:
            if not self._paths(school)[1].exists():
                self._save(generate(school, self.parameters.seed, self.parameters.years))
            self._loaded[school.index] = self._load(school)
        return self._loaded[school.index]

    def forget(self, school: School) -> None:
        """Let a school's data go from memory."""
        self._loaded.pop(school.index, None)

    def _paths(self, school: School) -> tuple[Path, Path]:
        # The lists are written last: where they are, the arrays are complete.
        return self.directory / f"{school.index:05d}.npz", self.directory / f"{school.index:05d}.msgpack"

    def _save(self, data: SchoolData) -> None:
        arrays, lists = self._paths(data.school)
        register, results = data.register, data.results
        columns = {f"register_{name}": getattr(register, name) for name in _REGISTER_COLUMNS}
        columns |= {f"result_{name}": getattr(results, name) for name in _RESULT_COLUMNS}
        scratch = arrays.with_suffix(f".{os.getpid()}.npz")
        np.savez(scratch, allow_pickle=False, **columns)
        scratch.replace(arrays)
        content = _Lists(
            data.pupils,
            register.sessions,
            register.exclusions,
            register.absences,
            data.classes,
            data.employees,
            results.aspects,
            results.sets,
            results.values,
        )
        scratch = lists.with_suffix(f".{os.getpid()}.msgpack")
        scratch.write_bytes(msgspec.msgpack.encode(content))
        scratch.replace(lists)

    def _load(self, school: School) -> SchoolData:
        arrays, lists = self._paths(school)
        content = msgspec.msgpack.decode(lists.read_bytes(), type=_Lists)
        with np.load(arrays, allow_pickle=False) as stored:
            register = {name: stored[f"register_{name}"] for name in _REGISTER_COLUMNS}
            results = {name: stored[f"result_{name}"] for name in _RESULT_COLUMNS}
        return SchoolData(
            school,
            self.parameters.years,
            content.pupils,
            Register(sessions=content.sessions, exclusions=content.exclusions, absences=content.absences, **register),
            content.classes,
            content.employees,
            Results(aspects=content.aspects, sets=content.sets, values=content.values, **results),
        )
