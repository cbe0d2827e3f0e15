"""Employees of a school over the span: teachers and others, with joiners, leavers and people who come back."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import msgspec

from sandbox import names
from sandbox.calendar import epoch
from sandbox.identity import person_hash
from sandbox.pupils import ETHNICITIES, NIGHTLY
from sandbox.schools import School
from sandbox.timetable import SUBJECTS

#: (role, code, teaching, share of posts) of the posts after those every school has once.
_POSTS = (
    ("Classroom Teacher", "TCHR", True, 0.44),
    ("Head of Department", "HDPT", True, 0.08),
    ("Teaching Assistant", "TASS", False, 0.28),
    ("Midday Supervisor", "MIDD", False, 0.08),
    ("Administrator", "ADMN", False, 0.07),
    ("Site Manager", "SITE", False, 0.05),
)
_ONCE = (
    ("Headteacher", "HDTR", True),
    ("Deputy Headteacher", "DPHT", True),
    ("SENCO", "SENC", True),
    ("Business Manager", "BMGR", False),
    ("Attendance Officer", "ATTO", False),
)
_PUPILS_A_POST = 11
#: One member of staff in ten leaves in a year.
_TURNOVER = 0.1
_RETURNS = 0.08


class Role(msgspec.Struct, frozen=True):
    """A role held; ``code`` as in the workforce census style."""

    name: str
    code: str
    start: date
    end: date | None


class Employee(msgspec.Struct):
    """One employment. Somebody who comes back has a second one with a new number and the same ``upi``."""

    number: int
    mis_id: str
    upi: str
    title: str
    forename: str
    surname: str
    female: bool
    birth: date
    email: str | None
    staff_code: str
    teacher: bool
    subject: int
    start: date
    end: date | None
    contract: str
    roles: list[Role]
    created: int
    events: list[int]

    @property
    def middle_names(self) -> None:
        """Not held for staff."""
        return None

    @property
    def legal_forename(self) -> str:
        """Same as the forename."""
        return self.forename


def employ(school: School, seed: int, years: list[int]) -> list[Employee]:
    """Everybody employed at any time in the span, ordered by number."""
    office = _Office(school, Random(f"staff/{seed}/{school.index}"), years)
    pupils = school.nursery + 7 * school.primary_intake + 5 * school.secondary_intake + 2 * school.sixth_intake
    posts: list[tuple[str, str, bool]] = list(_ONCE)
    while len(posts) < max(8, pupils // _PUPILS_A_POST):
        name, code, teaching, _ = office.rng.choices(_POSTS, [share for *_, share in _POSTS])[0]
        posts.append((name, code, teaching))
    for place, post in enumerate(posts):
        office.fill(post, place)
    return office.staff


class _Office:
    """Hires people for one school."""

    def __init__(self, school: School, rng: Random, years: list[int]) -> None:
        self.school, self.rng, self.years = school, rng, years
        self.staff: list[Employee] = []

    def fill(self, post: tuple[str, str, bool], place: int) -> None:
        """Everybody who holds a post in the span, one after the other."""
        rng, years = self.rng, self.years
        first = years[0]
        start = date(first - rng.randint(0, 14), 9, 1)
        if rng.random() >= 0.85:
            start = date(first - rng.randint(0, 5), 1, 4)
        while start < date(years[-1] + 1, 8, 31):
            tenure = int(rng.expovariate(_TURNOVER)) + 1
            month = rng.choice((8, 8, 8, 12, 4))
            end = date(start.year + tenure, month, 28) if start.year + tenure <= years[-1] + 1 else None
            if end is None or end >= date(first, 9, 1):
                self._hire(post, place, start, end)
            if end is None:
                break
            start = end + timedelta(days=4)

    def _hire(self, post: tuple[str, str, bool], place: int, start: date, end: date | None) -> None:
        rng, years, staff, school = self.rng, self.years, self.staff, self.school
        name, code, teaching = post
        female = rng.random() < 0.76
        group = (
            ETHNICITIES[rng.choices(list(ETHNICITIES), [share for share, *_ in ETHNICITIES.values()])[0]][2]
            if rng.random() < 0.4
            else "british"
        )
        forename, surname = names.forename(rng, group, female=female), names.surname(rng, group)
        returned = next(
            (
                old
                for old in staff
                if old.end
                and old.end + timedelta(days=60) < start
                and old.teacher == teaching
                and rng.random() < _RETURNS
            ),
            None,
        )
        number = len(staff)
        mis_id = returned.mis_id if returned else str(20 + 3 * number)
        if returned:
            forename, surname, female = returned.forename, returned.surname, returned.female
        plain = "".join(
            char for char in f"{forename[0]}.{surname}".lower() if char.isascii() and (char.isalpha() or char == ".")
        )
        roles = [Role(name, code, start, end)]
        if teaching and rng.random() < 0.15:
            roles.append(Role("Head of Year", "HOYR", start + timedelta(days=365), end))
        created = max(start - timedelta(days=20), date(years[0], 8, 20))
        changes = [created, start, date(years[0], 9, 1) + timedelta(days=rng.randrange(365 * len(years)))]
        if end:
            changes.append(end + timedelta(days=1))
        latest = end + timedelta(days=1) if end else date.max
        staff.append(
            Employee(
                number=number,
                mis_id=mis_id,
                upi=person_hash(school.id, f"staff/{mis_id}"),
                title=rng.choice(("Ms", "Mrs", "Miss", "Dr") if female else ("Mr", "Mr", "Mr", "Dr")),
                forename=forename,
                surname=surname,
                female=female,
                birth=date(start.year - rng.randint(23, 50), rng.randint(1, 12), rng.randint(1, 28)),
                email=f"{plain}{number}@{school.id.lower()}.example.org" if rng.random() < 0.96 else None,
                staff_code=(forename[0] + surname[:2]).upper(),
                teacher=teaching,
                subject=place % len(SUBJECTS),
                start=start,
                end=end,
                contract=rng.choice(("Permanent", "Permanent", "Permanent", "Fixed term")),
                roles=roles,
                created=epoch(created, NIGHTLY),
                events=sorted({epoch(day, NIGHTLY) for day in changes if created < day <= latest}),
            )
        )
