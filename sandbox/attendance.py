"""Session marks of a school: every pupil, every session, over the whole simulated span.

The yearly absence of each pupil is drawn from the published distribution of pupils like them and turned into a whole
number of sessions (the budget). Codes are then handed out in spells until each has reached its national rate among
the school's pupils of a phase; what remains of the budgets is illness. Rates, persistent absence and the gaps between
groups follow from the budgets, the reasons from the spells.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from functools import cache
from itertools import accumulate
from math import floor, sqrt
from random import Random
from statistics import NormalDist

import msgspec
import numpy as np
import numpy.typing as npt

from sandbox.calendar import DayKind, SchoolDay, academic_year, epoch, school_leaving_date, school_year
from sandbox.codes import AM, NEW_CODES_FROM, NUMBER, PM
from sandbox.parameters import FloatArray, attendance_parameters, quantile_table
from sandbox.pupils import NIGHTLY, Absentee, Pupil
from sandbox.schools import LAST_COMPULSORY, LAST_SIXTH, MIS, RECEPTION, School

Marks = npt.NDArray[np.uint8]

#: Correlation of a pupil's absence from one year to the next.
_PERSISTENCE = 0.75
#: Spread of schools on the scale of pupils' standard normal propensity.
_SCHOOL_SPREAD = 0.2
#: Share of absences first entered as N, by the code they end up as.
_FIRST_UNKNOWN = {"I": 0.28, "O": 0.3, "M": 0.08, "C": 0.1}
#: Share of sessions whose register is late, filled in on a later day; and share never filled in.
_LATE_REGISTER, _NO_REGISTER = 0.0012, 0.0004
#: How much likelier a spell is to begin on each weekday (absence is lowest on Wednesday, highest on Friday).
_WEEKDAY = (1.0, 0.93, 0.8, 0.96, 1.3)
_FRIDAY_AFTERNOON = 0.15
#: Dates on which families keep Eid on a school day.
_RELIGIOUS_DAYS = (
    date(2023, 11, 13),
    date(2024, 6, 17),
    date(2025, 3, 31),
    date(2025, 6, 6),
    date(2026, 3, 20),
    date(2026, 5, 21),
)
_RELIGIOUS = frozenset({"APKN", "ABAN", "BAFR", "OOTH", "AIND", "AOTH"})


class Session(msgspec.Struct, frozen=True):
    """A half day for which the MIS holds marks. ``created`` is when the register was taken, seconds UTC."""

    day: date
    afternoon: bool
    created: int


class Exclusion(msgspec.Struct, frozen=True):
    """A suspension (SUSP), permanent exclusion (PERM) or lunchtime exclusion (LNCH).

    ``sessions`` counts the sessions from the first to the last that were open to the pupil; each carries code E.
    ``withdrawn`` is when it was taken back, seconds UTC.
    """

    pupil: int
    kind: str
    reason: str
    first: int
    last: int
    sessions: int
    created: int
    withdrawn: int | None


class Absence(msgspec.Struct, frozen=True):
    """A planned absence with first and last session, as an office would enter it."""

    pupil: int
    first: int
    last: int
    code: str


@dataclass
class Register:
    """All marks of a school.

    ``final`` is sessions x pupils: the code each mark settles on. The change columns say which marks stood differently
    before: mark (``session``, ``pupil``) read ``earlier`` (0: no row yet) until ``at``.
    """

    sessions: list[Session]
    final: Marks
    session: npt.NDArray[np.int32]
    pupil: npt.NDArray[np.int32]
    earlier: Marks
    at: npt.NDArray[np.int64]
    exclusions: list[Exclusion]
    absences: list[Absence]


@dataclass(frozen=True)
class _Shape:
    """How one reason of absence looks: likely spell lengths in sessions, and how far it goes with heavy absence.

    ``afternoon``: how often a spell of an odd number of sessions begins after lunch.
    """

    code: str
    lengths: tuple[int, ...]
    weights: tuple[int, ...]
    tilt: float
    afternoon: float = 0.66


#: In the order in which they take from the budgets.
_SHAPES = (
    _Shape("T", (10, 20, 30), (3, 2, 1), 0.6),
    _Shape("C1", (1, 2, 4, 10), (3, 4, 2, 1), 0.0),
    _Shape("J1", (1, 2), (1, 1), 0.0),
    _Shape("C", (1, 2, 4, 6), (3, 6, 2, 1), 0.5),
    _Shape("U", (1,), (1,), 0.9, 0.0),
    _Shape("O", (1, 2, 3, 4, 6, 10), (8, 9, 3, 5, 3, 2), 1.7),
    _Shape("M", (1, 2), (4, 1), 0.2, 0.5),
    _Shape("N", (1, 2), (3, 2), 0.9),
)
_ILLNESS = _Shape("I", (1, 2, 4, 6, 8, 10), (9, 18, 12, 7, 3, 4), 0.0)


@dataclass
class _Enrolled:
    """One pupil's year while it is being filled: ``row`` has a byte a session, ``stop`` ends what statistics count."""

    pupil: Pupil
    nc_year: int
    phase: str
    row: bytearray
    begin: int
    stop: int
    budget: int = 0
    possible: int = 0
    late: float = 1.0


@cache
def _quantiles(kind: Absentee, year: int) -> FloatArray:
    """Absence rates at equally likely points for one kind of pupil in an academic year."""
    cells = [cell for cell in attendance_parameters().cells if cell.phase == kind.phase]
    years = {cell.nc_year for cell in cells}
    near = min(max(kind.nc_year, min(years)), max(years))
    wanted = [cell for cell in cells if cell.nc_year == near and cell.female == kind.female]
    # Special schools have next to no pupils without SEN, so that kind falls back on the nearest one there is.
    best = min(wanted, key=lambda cell: (cell.sen != kind.sen, cell.fsm != kind.fsm))
    scale = attendance_parameters().level(kind.phase, year).scale
    return scale.apply(quantile_table(np.array(best.per_10k_by_band)))


class _Year:
    """One academic year of one school."""

    def __init__(self, school: School, rng: Random, year: int, days: list[SchoolDay], effect: float) -> None:
        self.school, self.rng, self.year, self.effect = school, rng, year, effect
        self.days = days
        self.size = 2 * len(days)
        snow = NUMBER["Y" if date(year + 1, 1, 1) < NEW_CODES_FROM else "Y4"]
        template = bytearray()
        for day in days:
            template += {
                DayKind.OPEN: bytes((AM, PM)),
                DayKind.INSET: bytes((NUMBER["#"],) * 2),
                DayKind.SNOW: bytes((snow,) * 2),
            }[day.kind]
        self.template = bytes(template)
        self.index = {day.day: place for place, day in enumerate(days)}
        self.ordered = [day.day for day in days]
        self.weights = {
            "plain": self._weights(lambda day: 1.0),
            # Coughs and colds: most before Christmas, fewest in the summer.
            "illness": self._weights(lambda day: {0: 0.8, 1: 1.3, 2: 1.15, 3: 1.05, 4: 0.9, 5: 0.8}[day.half_term]),
        }
        self.edges = self._holiday_days()
        self.members: list[_Enrolled] = []
        self.exclusions: list[tuple[_Enrolled, str, int, int, int]] = []
        self.absences: list[tuple[_Enrolled, int, int, str]] = []

    def _weights(self, season: Callable[[SchoolDay], float]) -> list[float]:
        """Running totals, a value a session, of how likely a spell is to begin there."""
        values = []
        for day in self.days:
            # Absence climbs towards the end of every half term.
            base = (
                season(day)
                * _WEEKDAY[day.day.weekday()]
                * (0.82 + 0.36 * day.progress + (0.35 if day.progress > 0.93 else 0.0))
            )
            values += [base, base]
        return list(accumulate(values))

    def _holiday_days(self) -> list[int]:
        """Places of days next to a break, nearest likeliest: where holidays in term time begin."""
        found = []
        for place, day in enumerate(self.days):
            first, last = day.progress < 0.001, day.progress > 0.999
            if first:
                found += [place] * 3
            if last:
                found += [place, *(place - back for back in (1, 2, 3, 4) for _ in range(3))]
        return [place for place in found if place >= 0]

    def place_of(self, day: date) -> int:
        """Place among the year's days of the first one on or after ``day``."""
        return bisect_left(self.ordered, day)

    # -- who is on roll ------------------------------------------------------------------------------------------------

    def enrol(self, pupil: Pupil, first_year: int) -> None:
        """Add a pupil who is on roll at any time in the year, with the sessions that are not a matter of absence."""
        nc_year = pupil.nc_year(self.year, first_year)
        start, end = date(self.year, 9, 1), date(self.year + 1, 8, 31)
        if pupil.admission > end or (pupil.leaving and pupil.leaving < start):
            return
        row = bytearray(self.template)
        begin = 2 * self.place_of(pupil.admission)
        stop = 2 * self.place_of(pupil.leaving + timedelta(days=1)) if pupil.leaving else self.size
        stop = max(stop, begin)
        if MIS[self.school.mis].pre_admission and pupil.admission > start:
            row[:begin] = bytes(mark if mark == NUMBER["#"] else NUMBER["Z"] for mark in row[:begin])
        else:
            row[:begin] = bytes(begin)
        row[stop:] = bytes(self.size - stop)
        member = _Enrolled(pupil, nc_year, self.school.pupil_phase(nc_year), row, begin, stop)
        self._not_required(member)
        member.possible = sum(1 for mark in row[begin : member.stop] if mark in (AM, PM))
        member.late = self.rng.gammavariate(0.6, 1.0) * (1.5 if pupil.fsm else 1.0)
        self.members.append(member)

    def _set(self, member: _Enrolled, places: range, code: int) -> None:
        for place in places:
            if member.row[place] in (AM, PM):
                member.row[place] = code

    def _not_required(self, member: _Enrolled) -> None:
        pupil = member.pupil
        x, study = NUMBER["X"], NUMBER["S"]
        if member.nc_year < RECEPTION:
            self._set(member, range(1, self.size, 2), x)
        if member.nc_year == RECEPTION and member.begin == 0:
            # Staggered start: each form comes in on another day, then a fortnight of mornings.
            self._set(member, range(0, 2 * (1 + pupil.form % 3) + 2), x)
            self._set(member, range(1, 24, 2), x)
        if member.nc_year > LAST_COMPULSORY:
            free = Random(pupil.mis_id).sample(range(10), 2)
            for number, day in enumerate(self.days):
                for half in (0, 1):
                    if day.day.weekday() * 2 + half in free:
                        self._set(member, range(2 * number + half, 2 * number + half + 1), x)
        for number, day in enumerate(self.days):
            if day.day.weekday() in pupil.weekdays_elsewhere:
                self._set(member, range(2 * number, 2 * number + 2), NUMBER["D"])
        if member.nc_year in (LAST_COMPULSORY, LAST_SIXTH) and self.school.phase != "special":
            summer = 2 * next(number for number, day in enumerate(self.days) if day.half_term == 5)
            leaves = 2 * self.place_of(school_leaving_date(self.year) + timedelta(days=1))
            self._set(member, range(summer, leaves), study if member.nc_year == LAST_COMPULSORY else x)
            # Those who stay for the sixth form are past compulsory age in July.
            self._set(member, range(leaves, self.size), x)
            member.stop = max(member.begin, min(member.stop, summer))

    # -- budgets -------------------------------------------------------------------------------------------------------

    def draw_budgets(self) -> None:
        """Sessions of absence for each pupil, from the distribution of their kind in this year."""
        rng, normal = self.rng, NormalDist()
        strata: dict[tuple[str, bool, bool, bool], list[tuple[float, _Enrolled]]] = {}
        middle = date(self.year + 1, 1, 15)
        for member in self.members:
            pupil = member.pupil
            z = _PERSISTENCE * pupil.propensity + sqrt(1 - _PERSISTENCE**2) * rng.gauss(0, 1)
            fsm, sen = pupil.status_on(pupil.fsm, middle) is not None, pupil.status_on(pupil.sen, middle) is not None
            strata.setdefault((member.phase, fsm, sen, pupil.female), []).append((z, member))
        for (phase, fsm, sen, female), ranked in strata.items():
            ranked.sort(key=lambda pair: pair[0])
            for place, (_, member) in enumerate(ranked):
                score = normal.inv_cdf((place + rng.random()) / len(ranked) * 0.9999 + 0.00005)
                # Divided by the spread that schools add, so that over many schools the distribution stays the
                # published one.
                point = normal.cdf((score + self.effect) / sqrt(1 + _SCHOOL_SPREAD**2) if self.effect else score)
                table = _quantiles(Absentee(phase, member.nc_year, fsm, sen, female), self.year)
                rate = min(float(table[min(int(point * len(table)), len(table) - 1)]), 0.97)
                member.budget = min(floor(rate * member.possible + rng.random()), member.possible)

    # -- spells --------------------------------------------------------------------------------------------------------

    def _put(self, member: _Enrolled, start: int, length: int, code: int) -> int:
        """Mark up to ``length`` sessions from ``start`` on, or before it if the time runs out; returns how many."""
        row, placed = member.row, 0
        for places in (range(start, member.stop), range(start - 1, member.begin - 1, -1)):
            for place in places:
                if placed == length:
                    return placed
                if row[place] == AM or row[place] == PM:
                    row[place] = code
                    placed += 1
        return placed

    def _start(self, member: _Enrolled, season: str, shape: _Shape, length: int) -> int:
        totals = self.weights[season]
        low = totals[member.begin - 1] if member.begin else 0.0
        high = totals[member.stop - 1]
        place = bisect_left(totals, low + self.rng.random() * (high - low))
        # A spell with an odd session mostly begins after lunch, on Fridays above all: afternoons are missed a little
        # more than mornings.
        afternoon = shape.afternoon + (_FRIDAY_AFTERNOON if self.days[place // 2].day.weekday() == 4 else 0.0)
        place = place | 1 if length % 2 and self.rng.random() < afternoon else place & ~1
        return min(max(place, member.begin), member.stop - 1)

    def _spend(
        self, members: list[_Enrolled], target: float, tilt: float, spell: Callable[[_Enrolled, int], int]
    ) -> None:
        """Give spells to pupils, likelier the larger their budget, until ``target`` sessions are spent."""
        rng = self.rng
        left = floor(target + rng.random())
        able = [member for member in members if member.budget > 0]
        if not able or left <= 0:
            return
        totals = list(accumulate(member.budget ** (1 + tilt) for member in able))
        misses = 0
        while left > 0 and misses < 400:
            for member in rng.choices(able, cum_weights=totals, k=min(left, 64)):
                placed = spell(member, min(left, member.budget)) if member.budget > 0 else 0
                member.budget -= placed
                left -= placed
                misses = 0 if placed else misses + 1
                if left <= 0:
                    break

    def spend_budgets(self) -> None:
        """Hand out every reason of absence, phase by phase."""
        for phase in sorted({member.phase for member in self.members}):
            members = [member for member in self.members if member.phase == phase and member.possible]
            possible = sum(member.possible for member in members)
            rates = attendance_parameters().level(phase, self.year).per_10k_possible
            per_session = {code: rate / 1e4 * possible for code, rate in rates.items()}
            new = date(self.year + 1, 1, 1) >= NEW_CODES_FROM
            if new:
                # A handful of marks with codes that had been withdrawn remain in the published year.
                per_session |= {"H": 0.0, "J": 0.0}
            self._suspensions(members, per_session.get("E", 0.0))
            part_time = per_session.get("C2", 0.0) if new else 0.45 * per_session.get("C", 0.0)
            self._part_time(members, part_time, NUMBER["C2" if new else "C"])
            self._study_leave(members, per_session.get("S", 0.0))
            self._religious(members, per_session.get("R", 0.0))
            self._holidays(members, per_session.get("G", 0.0), "G")
            self._holidays(members, per_session.get("H", 0.0), "H")
            for shape in _SHAPES:
                target = per_session.get(shape.code, 0.0) * (0.55 if shape.code == "C" and not new else 1.0)
                self._reason(members, target, shape)
            self._illness(members)
            self._late(members, per_session.get("L", 0.0))
            self._activities(members, per_session, new=new)
        self._late_registers()

    def _reason(self, members: list[_Enrolled], target: float, shape: _Shape) -> None:
        code = NUMBER[shape.code]

        def spell(member: _Enrolled, most: int) -> int:
            length = min(self.rng.choices(shape.lengths, shape.weights)[0], most)
            return self._put(member, self._start(member, "plain", shape, length), length, code)

        self._spend(members, target, shape.tilt, spell)

    def _illness(self, members: list[_Enrolled]) -> None:
        rng, code = self.rng, NUMBER["I"]
        totals = list(accumulate(_ILLNESS.weights))
        for member in members:
            while member.budget > 0:
                length = min(rng.choices(_ILLNESS.lengths, cum_weights=totals)[0], member.budget)
                member.budget -= (
                    self._put(member, self._start(member, "illness", _ILLNESS, length), length, code) or member.budget
                )

    def _holidays(self, members: list[_Enrolled], target: float, code: str) -> None:
        def spell(member: _Enrolled, most: int) -> int:
            length = min(self.rng.choices((2, 4, 6, 8, 10, 20), (2, 4, 4, 3, 6, 1))[0], most)
            if self.rng.random() < 0.75:
                start = 2 * self.rng.choice(self.edges)
                start = min(start, max(member.begin, start)) if start < member.stop else member.begin
            else:
                start = 2 * self.rng.randrange(len(self.days))
            start = min(max(start, member.begin), member.stop - 1)
            placed = self._put(member, start, length, NUMBER[code])
            if placed:
                self.absences.append((member, start, min(start + placed, member.stop) - 1, code))
            return placed

        self._spend(members, target, -0.4, spell)

    def _part_time(self, members: list[_Enrolled], target: float, code: int) -> None:
        """Afternoons off for weeks on end, for a few pupils who are absent a lot."""

        def spell(member: _Enrolled, most: int) -> int:
            length = min(self.rng.randint(15, 70), most)
            start = self.rng.randrange(member.begin, member.stop) | 1
            placed = 0
            for place in [*range(start, member.stop, 2), *range(start - 2, member.begin, -2)]:
                if placed == length:
                    break
                if member.row[place] == PM:
                    member.row[place] = code
                    placed += 1
            return placed

        self._spend([member for member in members if member.budget >= 16], target, 0.8, spell)

    def _study_leave(self, members: list[_Enrolled], target: float) -> None:
        """Mock examinations and the first papers in May, Year 11 only."""

        def spell(member: _Enrolled, most: int) -> int:
            days = [
                2 * place
                for place, day in enumerate(self.days)
                if (day.half_term == 4 and day.progress > 0.6) or (day.day.month == 1)
            ]
            start = min(max(self.rng.choice(days), member.begin), member.stop - 1)
            return self._put(member, start, min(self.rng.randint(1, 4), most), NUMBER["S"])

        self._spend([member for member in members if member.nc_year == LAST_COMPULSORY], target, -0.6, spell)

    def _religious(self, members: list[_Enrolled], target: float) -> None:
        days = [self.index[day] for day in _RELIGIOUS_DAYS if day in self.index]
        others = [member for member in members if member.pupil.ethnicity not in _RELIGIOUS]
        keeping = [member for member in members if member.pupil.ethnicity in _RELIGIOUS and days]

        def spell(member: _Enrolled, most: int) -> int:
            place = 2 * (
                self.rng.choice(days) if member.pupil.ethnicity in _RELIGIOUS else self.rng.randrange(len(self.days))
            )
            if not member.begin <= place < member.stop or member.row[place] != AM:
                return 0
            return self._put(member, place, min(2, most), NUMBER["R"])

        self._spend(keeping or others, target, -0.7, spell)

    # -- suspensions ---------------------------------------------------------------------------------------------------

    def _suspensions(self, members: list[_Enrolled], target: float) -> None:
        rng = self.rng
        for member in members:
            leaving = member.pupil.leaving
            in_year = (
                leaving
                and academic_year(leaving) == self.year
                and leaving < school_leaving_date(self.year) - timedelta(days=30)
            )
            if in_year and member.phase == "secondary" and rng.random() < 0.06:
                target -= self._permanent(member)
        likely = sorted(
            (member for member in members if member.nc_year >= 1),
            key=lambda member: (
                member.budget
                * (1.8 if member.pupil.sen else 1.0)
                * (1.0 if member.pupil.female else 1.6)
                * rng.random()
            ),
            reverse=True,
        )[: max(1, len(members) // 8)]

        def spell(member: _Enrolled, most: int) -> int:
            length = min(rng.choices((1, 2, 3, 4, 6, 10), (2, 6, 2, 5, 4, 4))[0], most)
            start = rng.randrange(member.begin, member.stop)
            free = [place for place in range(start, member.stop) if member.row[place] in (AM, PM)][:length]
            # Ends would not tell the sessions if another suspension lay inside.
            if not free or NUMBER["E"] in member.row[free[0] : free[-1] + 1]:
                return 0
            for place in free:
                member.row[place] = NUMBER["E"]
            self.exclusions.append((member, "SUSP", free[0], free[-1], len(free)))
            if rng.random() < 0.02:
                lunch = rng.choice(free)
                self.exclusions.append((member, "LNCH", lunch | 1, lunch | 1, 0))
            return len(free)

        self._spend(likely, target, 0.0, spell)

    def _permanent(self, member: _Enrolled) -> int:
        """Five days of E, then provision from the sixth day until the pupil is taken off roll."""
        free = [place for place in range(member.begin, member.stop) if member.row[place] in (AM, PM)][-30:]
        if len(free) < 30:
            return 0
        away, provided = free[:10], free[10:]
        for place in away:
            member.row[place] = NUMBER["E"]
        for place in provided:
            member.row[place] = NUMBER["B" if self.days[place // 2].day < NEW_CODES_FROM else "K"]
        self.exclusions.append((member, "PERM", away[0], away[-1], len(away)))
        member.budget = max(0, member.budget - len(away))
        return len(away)

    # -- present, but not simply ---------------------------------------------------------------------------------------

    def _late(self, members: list[_Enrolled], target: float) -> None:
        rng, late = self.rng, NUMBER["L"]
        totals = list(accumulate(member.late for member in members))
        left = floor(target)
        # Lateness is a habit of few; the chance of hitting a session that is no longer free is made up by further
        # tries.
        for member in rng.choices(members, cum_weights=totals, k=2 * left) if members else []:
            if left == 0:
                return
            place = rng.randrange(member.begin, member.stop)
            place = place & ~1 if rng.random() < 0.9 else place | 1
            if member.begin <= place < member.stop and member.row[place] in (AM, PM):
                member.row[place] = late
                left -= 1

    def _activities(self, members: list[_Enrolled], target: dict[str, float], *, new: bool) -> None:
        """Trips of whole forms, sport, work experience, interviews, provision off site."""
        rng = self.rng
        forms: dict[tuple[int, int], list[_Enrolled]] = {}
        for member in members:
            forms.setdefault((member.nc_year, member.pupil.form), []).append(member)
        groups = list(forms.values())
        self._whole_days(groups, target.get("V", 0.0), NUMBER["V"], lambda: (rng.randrange(len(self.days)), 1))
        tenth = [group for (nc_year, _), group in forms.items() if nc_year == 10]
        summer = [place for place, day in enumerate(self.days) if day.half_term == 5 and day.day.weekday() == 0]
        placed = [[member] for group in tenth for member in group]
        week = rng.choice(summer[:-1])
        self._whole_days(placed, target.get("W", 0.0), NUMBER["W"], lambda: (week, 5))
        for code in ("P", *(() if new else ("J",))):
            for _ in range(floor(target.get(code, 0.0) + rng.random())):
                member = rng.choice(members)
                self._put(member, rng.randrange(member.begin, member.stop), 1, NUMBER[code])
        # A few pupils spend two days of each week elsewhere.
        for code in ("B", *(("K",) if new else ())):
            left = target.get(code, 0.0)
            while left > 0.5:
                member = rng.choice(members)
                weekdays = rng.sample(range(5), 2)
                for place in range(rng.randrange(member.begin, member.stop), member.stop):
                    if left > 0.5 and self.days[place // 2].day.weekday() in weekdays and member.row[place] in (AM, PM):
                        member.row[place] = NUMBER[code]
                        left -= 1
                left -= 0.01

    def _whole_days(
        self, groups: list[list[_Enrolled]], target: float, code: int, when: Callable[[], tuple[int, int]]
    ) -> None:
        left = floor(target + self.rng.random())
        if not groups:
            return
        tries = 0
        while left > 0 and tries < 3000:
            tries += 1
            start, days = when()
            for member in self.rng.choice(groups):
                for place in range(2 * start, min(2 * (start + days), member.stop)):
                    if place >= member.begin and member.row[place] in (AM, PM):
                        member.row[place] = code
                        left -= 1

    def _late_registers(self) -> None:
        rng, missing = self.rng, NUMBER["-"]
        for member in self.members:
            if rng.random() < _NO_REGISTER * (member.stop - member.begin):
                place = rng.randrange(member.begin, member.stop)
                if member.row[place] in (AM, PM):
                    member.row[place] = missing


def mark_attendance(school: School, seed: int, years: list[int], pupils: list[Pupil]) -> Register:
    """Marks, their changes, exclusions and planned absences of a school over the span."""
    rng = Random(f"attendance/{seed}/{school.index}")
    effect = 0.0 if school.typical else rng.gauss(0, _SCHOOL_SPREAD)
    blocks: list[Marks] = []
    sessions: list[Session] = []
    exclusions: list[Exclusion] = []
    absences: list[Absence] = []
    late = _Changes()
    for year in years:
        days = school_year(year, rng)
        if not MIS[school.mis].inset_marks:
            days = [day for day in days if day.kind is not DayKind.INSET]
        block = _Year(school, rng, year, days, effect)
        for pupil in pupils:
            block.enrol(pupil, years[0])
        block.draw_budgets()
        block.spend_budgets()
        offset = len(sessions)
        minute = school.index % 7
        for day in days:
            sessions.append(Session(day.day, False, epoch(day.day, time(9, 5 + minute))))
            sessions.append(Session(day.day, True, epoch(day.day, time(13, 20 + minute))))
        marks = np.zeros((len(pupils), block.size), dtype=np.uint8)
        for member in block.members:
            marks[member.pupil.number] = np.frombuffer(bytes(member.row), dtype=np.uint8)
            _before_admission(late, member, offset)
        blocks.append(marks.T)
        for member, kind, first, last, count in block.exclusions:
            created = epoch(days[first // 2].day, time(15, 5))
            withdrawn = created + 5 * 86400 if kind == "LNCH" and rng.random() < 0.3 else None
            reason = rng.choices(_REASONS, _REASON_WEIGHTS)[0]
            exclusions.append(
                Exclusion(member.pupil.number, kind, reason, offset + first, offset + last, count, created, withdrawn)
            )
        absences += [
            Absence(member.pupil.number, offset + first, offset + last, code)
            for member, first, last, code in block.absences
        ]
    final = np.ascontiguousarray(np.vstack(blocks))
    _amend(final, sessions, np.random.default_rng([seed, school.index, 77]), late)
    exclusions.sort(key=lambda exclusion: (exclusion.first, exclusion.pupil, exclusion.kind))
    absences.sort(key=lambda absence: (absence.first, absence.pupil))
    order = np.lexsort((late.pupil, late.session))
    return Register(
        sessions,
        final,
        np.array(late.session, dtype=np.int32)[order],
        np.array(late.pupil, dtype=np.int32)[order],
        np.array(late.earlier, dtype=np.uint8)[order],
        np.array(late.at, dtype=np.int64)[order],
        exclusions,
        absences,
    )


_REASONS = ("DB", "PP", "VA", "PA", "VP", "DA", "DM", "OW", "BU", "RA", "MT", "TH", "SM")
_REASON_WEIGHTS = (50, 15, 14, 5, 4, 3, 3, 2, 1, 1, 1, 1, 1)


@dataclass
class _Changes:
    """Columns of marks that once stood differently."""

    session: list[int] = field(default_factory=list)
    pupil: list[int] = field(default_factory=list)
    earlier: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)


def _before_admission(late: _Changes, member: _Enrolled, offset: int) -> None:
    """Z marks are filled in on admission, for sessions long past."""
    at = epoch(member.pupil.admission, NIGHTLY)
    for place in range(member.begin):
        if member.row[place]:
            late.session.append(offset + place)
            late.pupil.append(member.pupil.number)
            late.earlier.append(0)
            late.at.append(at)


def _amend(final: Marks, sessions: list[Session], rng: np.random.Generator, late: _Changes) -> None:
    """Some absences were N for a few days, some registers came in late."""
    known = set(zip(late.session, late.pupil, strict=True))
    created = np.array([session.created for session in sessions])
    for codes, share, earlier in (
        *(((NUMBER[code],), share, NUMBER["N"]) for code, share in _FIRST_UNKNOWN.items()),
        ((AM, PM), _LATE_REGISTER, NUMBER["-"]),
    ):
        rows, columns = np.nonzero(np.isin(final, codes))
        chosen = rng.random(len(rows)) < share
        rows, columns = rows[chosen], columns[chosen]
        # Settled on a later day between nine and four, after two or three days on average.
        delay = rng.geometric(0.4, len(rows)) * 86400 + rng.integers(0, 7 * 3600, len(rows))
        at = created[rows] - created[rows] % 86400 + delay + 9 * 3600
        for row, column, when in zip(rows.tolist(), columns.tolist(), at.tolist(), strict=True):
            if (row, column) not in known:
                late.session.append(row)
                late.pupil.append(column)
                late.earlier.append(earlier)
                late.at.append(when)
