"""Pupils of a school over the whole simulated span: who they are, when they come and go, what changes about them."""

from __future__ import annotations

from datetime import date, time, timedelta
from math import sqrt
from random import Random
from statistics import NormalDist
from typing import NamedTuple

import msgspec

from sandbox import names
from sandbox.calendar import academic_year, epoch, half_terms, school_leaving_date
from sandbox.identity import make_upn, person_hash
from sandbox.names import Address
from sandbox.parameters import AbsenceCell, attainment_parameters, attendance_parameters
from sandbox.schools import LAST_COMPULSORY, LAST_PRIMARY, LAST_SIXTH, NURSERY, RECEPTION, School

#: When the partner's nightly copy of the MIS runs: created and updated times of everything but marks.
NIGHTLY = time(4, 10)

#: Shares that no file of the reference folder holds; rounded from public knowledge, so nothing is tested against them.
ETHNICITIES: dict[str, tuple[float, str, str, str]] = {
    # code: (share, description, name group, usual first language other than English)
    "WENG": (0.44, "White - English", "british", ""),
    "WBRI": (0.19, "White - British", "british", ""),
    "WIRI": (0.003, "White - Irish", "british", ""),
    "WROM": (0.003, "White - Gypsy/Roma", "european", "RMN"),
    "WEEU": (0.065, "White Eastern European", "european", "POL"),
    "MWBC": (0.017, "White and Black Caribbean", "british", ""),
    "MWBA": (0.012, "White and Black African", "african", ""),
    "MWAS": (0.018, "White and Asian", "british", ""),
    "MOTH": (0.027, "Any Other Mixed Background", "european", "SPA"),
    "AIND": (0.042, "Indian", "south_asian", "PNJ"),
    "APKN": (0.05, "Pakistani", "south_asian", "URD"),
    "ABAN": (0.018, "Bangladeshi", "south_asian", "BNG"),
    "AOTH": (0.023, "Any Other Asian Background", "south_asian", "TAM"),
    "BAFR": (0.046, "Black African", "african", "SOM"),
    "BCRB": (0.009, "Black Caribbean", "african", ""),
    "CHNE": (0.008, "Chinese", "east_asian_and_other", "CHI"),
    "OOTH": (0.024, "Any Other Ethnic Group", "east_asian_and_other", "ARA"),
    "REFU": (0.005, "Refused", "british", ""),
}
LANGUAGES = {
    "ENG": "English", "RMN": "Romany/English Romanes", "POL": "Polish", "SPA": "Spanish", "PNJ": "Panjabi",
    "URD": "Urdu", "BNG": "Bengali", "TAM": "Tamil", "SOM": "Somali", "CHI": "Chinese", "ARA": "Arabic",
}  # fmt: skip
_EHCP_SHARE_OF_SEN = 0.2
_NEEDS = ("SLCN", "SEMH", "SPLD", "ASD", "MLD", "HI", "PD", "VI", "OTH", "NSA")
_NEED_WEIGHTS = (24, 22, 15, 14, 14, 2, 2, 1, 3, 3)
#: In-year movement of a state school: about one pupil in forty leaves and as many come.
_MOVE_RATE = 0.025
_SIXTH_FROM_ELSEWHERE = 0.25
_STAY_AFTER_NURSERY = 0.8
_RE_ENROLS = 0.05
_SIBLING = 0.22
_MISSING_UPN, _TEMPORARY_UPN = 0.006, 0.008
#: Pupils of secondary age whose main school is this one and who spend four days a week in alternative provision.
_PLACED_ELSEWHERE = 0.006
#: Shared with the school next door: goes there on these weekdays (Thursday, Friday).
DUAL_WEEKDAYS = (3, 4)


class Span(msgspec.Struct, frozen=True):
    """A dated status: FSM, SEN provision or care. ``end`` is the last day, None while it lasts."""

    code: str
    start: date
    end: date | None

    def covers(self, day: date) -> bool:
        """Whether the status holds on a day."""
        return self.start <= day and (self.end is None or day <= self.end)


class Pupil(msgspec.Struct):
    """One enrolment of one pupil, over the whole span.

    ``number`` is its place in the school's list and in the columns of the mark matrix. ``cohort`` is the NC year in
    the first simulated academic year, so that a pupil who joins reception two years later has -2. ``propensity`` and
    ``ability`` are standard normal: how readily the pupil is absent, how well the pupil does in tests. ``created``
    and ``events`` are seconds UTC at which the record appeared and changed. ``weekdays_elsewhere`` is for dual
    registration.
    """

    number: int
    mis_id: str
    upi: str
    forename: str
    middle_names: str | None
    surname: str
    legal_forename: str
    female: bool
    birth: date
    upn: str | None
    former_upn: str | None
    uln: str | None
    ethnicity: str
    language: str
    family: int
    address: Address
    cohort: int
    form: int
    house: int
    admission: date
    leaving: date | None
    created: int
    events: list[int]
    propensity: float
    ability: float
    fsm: list[Span]
    sen: list[Span]
    needs: list[tuple[str, int, date]]
    care: list[Span]
    service: bool
    enrolment_status: str
    weekdays_elsewhere: tuple[int, ...]
    returned_as: int | None

    @property
    def title(self) -> None:
        """Pupils go without."""
        return None

    def nc_year(self, year: int, first_year: int) -> int:
        """NC year in an academic year (pupils below -2 have not begun)."""
        return self.cohort + year - first_year

    def status_on(self, spans: list[Span], day: date) -> Span | None:
        """The span among ``spans`` that covers a day."""
        return next((span for span in spans if span.covers(day)), None)


class Absentee(NamedTuple):
    """What an absence distribution is looked up by."""

    phase: str
    nc_year: int
    fsm: bool
    sen: bool
    female: bool


class Roster:
    """Builds the list of pupils of one school."""

    def __init__(self, school: School, seed: int, years: list[int]) -> None:
        self.school = school
        self.years = years
        self.rng = Random(f"pupils/{seed}/{school.index}")
        self.seed = seed
        self.pupils: list[Pupil] = []
        self._next_mis_id = 5000 + 13 * school.index
        self._serials: dict[int, int] = {}
        self._families: list[list[Pupil]] = []
        # One school in a few is far from the average intake; the typical ones sit on it. The factor bears on odds
        # that are then normalised, and with this mean log the mean share over schools stays the national one.
        self.fsm_factor = 1.0 if school.typical else min(max(self.rng.lognormvariate(-0.08, 0.55), 0.2), 4.0)

    def build(self) -> list[Pupil]:
        """Every enrolment that touches the span, joiners and leavers included, ordered by number."""
        last = self.school.last_year
        begin = -2 - len(self.years)
        for cohort in range(last, begin, -1):
            self._cohort(cohort)
        self._dual()
        self._stratify()
        self._siblings()
        for pupil in self.pupils:
            pupil.events = sorted(set(self._events(pupil)))
        return self.pupils

    # -- cohorts ---------------------------------------------------------------------------------------------------

    def _cohort(self, cohort: int) -> None:
        """Pupils who are in NC year ``cohort`` in the first year of the span."""
        school, first = self.school, self.years[0]
        stages: list[tuple[int, int, int]] = []  # entry NC year, last NC year, intake
        through = LAST_PRIMARY if school.phase == "primary" else LAST_COMPULSORY
        continuing = min(round(school.nursery * _STAY_AFTER_NURSERY), school.primary_intake)
        if school.nursery:
            stages += [(NURSERY, NURSERY, school.nursery - continuing), (NURSERY, through, continuing)]
        if school.primary_intake:
            stages.append((RECEPTION, through, school.primary_intake - continuing))
        if school.secondary_intake:
            stages.append((7, LAST_COMPULSORY, max(school.secondary_intake - school.primary_intake, 0)))
        if school.sixth_intake:
            stages.append((12, LAST_SIXTH, round(school.sixth_intake * _SIXTH_FROM_ELSEWHERE)))
        for entry, last, intake in stages:
            entry_year = first + entry - cohort
            last_year = entry_year + last - entry
            latest = last_year + 2 if last == LAST_COMPULSORY and school.sixth_intake else last_year
            if latest < first or entry_year > self.years[-1]:
                continue
            for _ in range(intake):
                self._enrol(cohort, entry_year, last_year, last)

    def _enrol(self, cohort: int, entry_year: int, last_year: int, last_nc: int) -> None:
        rng = self.rng
        admission = date(entry_year, 9, 1)
        leaving = school_leaving_date(last_year) if last_nc >= LAST_COMPULSORY else half_terms(last_year)[-1][-1]
        # In-year movement: a leaver's place is taken by a joiner, so the roll keeps its size.
        for year in range(max(entry_year, self.years[0]), min(last_year, self.years[-1]) + 1):
            if rng.random() < _MOVE_RATE and last_nc != NURSERY:
                days = [day for days in half_terms(year)[:5] for day in days]
                # A day before the school's first, or right at its end, would make an enrolment without a single
                # session.
                gone = rng.choice(days[10:-15])
                pupil = self._person(cohort, admission, gone)
                if rng.random() < _RE_ENROLS:
                    self._re_enrol(pupil, gone + timedelta(days=rng.randint(21, 80)), leaving)
                    return
                admission = rng.choice(
                    [day for day in days if gone < day <= gone + timedelta(days=30)] or [gone + timedelta(days=7)]
                )
        pupil = self._person(cohort, admission, leaving)
        if last_nc == LAST_COMPULSORY and self._stays(pupil):
            pupil.leaving = school_leaving_date(last_year + 2)
        elif last_year < self.years[0]:
            # Gone before the span began, and only tried because a few of the year stay on for the sixth form.
            self.pupils.pop()

    def _stays(self, pupil: Pupil) -> bool:
        """Whether a pupil goes on to the school's own sixth form: likelier the better they do."""
        school = self.school
        if not school.sixth_intake:
            return False
        share = (1 - _SIXTH_FROM_ELSEWHERE) * school.sixth_intake / max(school.secondary_intake, school.primary_intake)
        return NormalDist().cdf(0.7 * pupil.ability + sqrt(1 - 0.7**2) * self.rng.gauss(0, 1)) > 1 - share

    def _re_enrol(self, pupil: Pupil, back: date, leaving: date) -> None:
        while back.weekday() > 0:
            back += timedelta(days=1)
        number = len(self.pupils)
        again = msgspec.structs.replace(
            pupil,
            number=number,
            admission=back,
            leaving=leaving,
            created=epoch(back, NIGHTLY),
            events=[],
            returned_as=None,
        )
        pupil.returned_as = number
        self.pupils.append(again)

    def _person(self, cohort: int, admission: date, leaving: date | None) -> Pupil:
        rng, school = self.rng, self.school
        first = self.years[0]
        female = rng.random() < self._female_share()
        kind = self._kind(cohort, female)
        ethnicity = rng.choices(list(ETHNICITIES), [share for share, *_ in ETHNICITIES.values()])[0]
        _, _, group, other_language = ETHNICITIES[ethnicity]
        given = names.forename(rng, group, female=female)
        # NC year c in academic year y: born from 1 September y-5-c to the following 31 August.
        born = date(first - 5 - cohort, 9, 1) + timedelta(days=rng.randrange(365))
        late = admission > date(academic_year(admission), 9, 8)
        created = admission if late or admission < date(first, 9, 1) else date(admission.year, 6, 2)
        # History before the span arrived in one go when the school was first connected.
        created = max(created, date(first, 8, 20))
        pupil = Pupil(
            number=len(self.pupils),
            mis_id=str(self._next_mis_id),
            upi=person_hash(school.id, str(self._next_mis_id)),
            forename=given,
            middle_names=names.forename(rng, group, female=female) if rng.random() < 0.4 else None,
            surname=names.surname(rng, group),
            legal_forename=given if rng.random() < 0.96 else names.forename(rng, group, female=female),
            female=female,
            birth=born,
            upn=self._upn(born, cohort),
            former_upn=None,
            uln=f"{rng.randrange(10**9, 10**10)}" if cohort + len(self.years) >= 9 and rng.random() < 0.9 else None,
            ethnicity=ethnicity,
            language=other_language if other_language and rng.random() < 0.72 else "ENG",
            family=-1,
            address=names.address(rng, school.town, school.la_name),
            cohort=cohort,
            form=0,
            house=rng.randrange(4),
            admission=admission,
            leaving=leaving,
            created=epoch(created, NIGHTLY),
            events=[],
            propensity=rng.gauss(0, 1),
            ability=0.0,
            fsm=self._fsm_spans(kind.fsm, admission, cohort),
            sen=[],
            needs=[],
            care=[],
            service=rng.random() < 0.009,
            enrolment_status="C",
            weekdays_elsewhere=(),
            returned_as=None,
        )
        if 7 <= cohort + 1 <= LAST_COMPULSORY and rng.random() < _PLACED_ELSEWHERE:
            pupil.enrolment_status, pupil.weekdays_elsewhere = "M", (0, 1, 2, 3)
        if pupil.upn and pupil.upn[-1].isdigit() and rng.random() < 0.02:
            pupil.former_upn = make_upn(
                school.la_code, school.establishment_number, born.year + 5, rng.randrange(999), temporary=True
            )
        self._sen(pupil, is_sen=kind.sen)
        if rng.random() < 0.011:
            start = max(born, date(first - 3, 1, 1)) + timedelta(days=rng.randrange(900))
            pupil.care = [
                Span("", start, start + timedelta(days=rng.randint(200, 900)) if rng.random() < 0.4 else None)
            ]
        pupil.ability = self._ability(pupil)
        self._next_mis_id += 1
        self.pupils.append(pupil)
        return pupil

    # -- characteristics ---------------------------------------------------------------------------------------------

    def _cells(self, cohort: int) -> list[AbsenceCell]:
        nc_year = min(max(cohort + 1, 1), LAST_COMPULSORY)
        phase = self.school.pupil_phase(nc_year)
        return [cell for cell in attendance_parameters().cells if cell.phase == phase and cell.nc_year == nc_year]

    def _female_share(self) -> float:
        # Special schools have nearly three boys to a girl; elsewhere the sexes are even.
        return 0.27 if self.school.phase == "special" else 0.49

    def _kind(self, cohort: int, female: bool) -> AbsenceCell:
        """FSM and SEN drawn together from the published counts of the pupil's sex and year, tilted by the school's
        intake."""
        cells = [cell for cell in self._cells(cohort) if cell.female == female]
        return self.rng.choices(cells, [cell.share * (self.fsm_factor if cell.fsm else 1.0) for cell in cells])[0]

    def _fsm_spans(self, eligible: bool, admission: date, cohort: int) -> list[Span]:
        rng = self.rng
        first = self.years[0]
        if not eligible:
            if rng.random() < 0.04:  # had it once: counts for the six-year measure
                start = date(first - rng.randint(2, 4), rng.randint(1, 12), 1)
                return [Span("", start, start + timedelta(days=rng.randint(150, 500)))]
            return []
        start = max(admission - timedelta(days=rng.randrange(1200)), date(first - 6, 9, 1))
        if rng.random() < 0.06:  # became eligible within the span
            start = date(first, 10, 1) + timedelta(days=rng.randrange(600))
        return [Span("", start, None)]

    def _sen(self, pupil: Pupil, *, is_sen: bool) -> None:
        rng = self.rng
        if not is_sen:
            return
        plan = self.school.phase == "special" or rng.random() < _EHCP_SHARE_OF_SEN
        start = max(pupil.birth + timedelta(days=365 * 5), pupil.admission - timedelta(days=rng.randrange(1500)))
        if plan and rng.random() < 0.5 and self.school.phase != "special":
            switch = start + timedelta(days=rng.randint(200, 700))
            pupil.sen = [Span("K", start, switch), Span("E", switch + timedelta(days=1), None)]
        else:
            pupil.sen = [Span("E" if plan else "K", start, None)]
        wanted = rng.choices(_NEEDS, _NEED_WEIGHTS, k=2 if rng.random() < 0.25 else 1)
        pupil.needs = [(need, rank + 1, start) for rank, need in enumerate(dict.fromkeys(wanted))]

    def _ability(self, pupil: Pupil) -> float:
        """Standard normal over all pupils; group means from the published KS2 bands of each group."""
        shifts = attainment_parameters().shifts
        mean = shifts["fsm" if pupil.fsm else "not_fsm"] + shifts["sen" if pupil.sen else "not_sen"]
        mean += shifts["girl" if pupil.female else "boy"]
        if self.school.phase == "special":
            mean -= 1.5
        # Groups overlap and absence goes with lower results; the rest of the variance is the pupil's own.
        return 0.9 * mean - 0.2 * pupil.propensity + 0.88 * self.rng.gauss(0, 1)

    def _upn(self, born: date, cohort: int) -> str | None:
        """Allocated by the school at which the pupil first enrolled, which for older pupils is often another one."""
        rng = self.rng
        if rng.random() < _MISSING_UPN or (cohort + len(self.years) - 1 < RECEPTION and rng.random() < 0.5):
            return None
        year = born.year + 5
        here = self.school.first_year <= RECEPTION
        serial = self._serials[year] = self._serials.get(year, 0) + 1
        establishment = self.school.establishment_number if here else str(2000 + (serial * 7 + self.school.index) % 400)
        return make_upn(self.school.la_code, establishment, year, serial, temporary=rng.random() < _TEMPORARY_UPN)

    # -- links between pupils ----------------------------------------------------------------------------------------

    def _dual(self) -> None:
        """The pupil that this school and its partner school both have on roll, same UPN, one main and one
        subsidiary."""
        school = self.school
        if school.partner_school is None:
            return
        pair = tuple(sorted((school.index, school.partner_school)))
        shared = Random(f"dual/{self.seed}/{pair}")
        main = school.index == pair[0]
        female = shared.random() < 0.5
        nc_year = 8
        born = date(self.years[0] - 5 - nc_year, 9, 1) + timedelta(days=shared.randrange(365))
        pupil = self._person(
            nc_year, date(self.years[0], 9, 1), school_leaving_date(self.years[0] + LAST_COMPULSORY - nc_year)
        )
        pupil.forename = pupil.legal_forename = names.forename(shared, "british", female=female)
        pupil.surname = names.surname(shared, "british")
        pupil.middle_names, pupil.female, pupil.birth = None, female, born
        pupil.upn, pupil.former_upn = make_upn(school.la_code, "2345", born.year + 5, 900 + pair[0]), None
        pupil.uln = f"{shared.randrange(10**9, 10**10)}"
        pupil.address = names.address(shared, "Harnwick", school.la_name)
        pupil.fsm, pupil.sen, pupil.needs, pupil.care = [], [], [], []
        pupil.enrolment_status = "M" if main else "S"
        pupil.weekdays_elsewhere = DUAL_WEEKDAYS if main else tuple(day for day in range(5) if day not in DUAL_WEEKDAYS)

    def _stratify(self) -> None:
        """Replace propensities by evenly spaced normal scores within each phase, keeping their order.

        The spread within a school then follows the national distribution instead of adding a sampling error to it.
        Pupils are ordered by kind first, so that each kind gets the whole range.
        """
        normal = NormalDist()
        strata: dict[Absentee, list[Pupil]] = {}
        for pupil in self.pupils:
            nc_year = min(max(pupil.cohort, 1), LAST_COMPULSORY)
            key = Absentee(self.school.pupil_phase(nc_year), 0, bool(pupil.fsm), bool(pupil.sen), pupil.female)
            strata.setdefault(key, []).append(pupil)
        for members in strata.values():
            members.sort(key=lambda pupil: pupil.propensity)
            for place, pupil in enumerate(members):
                pupil.propensity = normal.inv_cdf((place + 0.5) / len(members))

    def _siblings(self) -> None:
        """Give some pupils the surname and home of another pupil a few years older, then number families and forms."""
        by_cohort: dict[int, list[Pupil]] = {}
        for pupil in self.pupils:
            by_cohort.setdefault(pupil.cohort, []).append(pupil)
        for pupil in self.pupils:
            if pupil.family == -1:
                pupil.family = pupil.number
            older = by_cohort.get(pupil.cohort + self.rng.choice((1, 2, 2, 3)), [])
            if older and pupil.enrolment_status == "C" and self.rng.random() < _SIBLING:
                kin = self.rng.choice(older)
                if kin.enrolment_status == "C" and kin.returned_as is None:
                    pupil.family = kin.family if kin.family != -1 else kin.number
                    pupil.surname, pupil.address = kin.surname, kin.address
                    pupil.ethnicity, pupil.language, pupil.fsm = (
                        kin.ethnicity,
                        kin.language,
                        list(kin.fsm) if kin.fsm and pupil.fsm else pupil.fsm,
                    )
        for members in by_cohort.values():
            forms = max(1, round(len(members) / (10 if self.school.phase == "special" else 31)))
            for place, pupil in enumerate(members):
                pupil.form = place % forms
        for pupil in self.pupils:
            if pupil.returned_as is not None:
                again = self.pupils[pupil.returned_as]
                for field in ("surname", "address", "family", "form", "ethnicity", "language", "propensity"):
                    setattr(again, field, getattr(pupil, field))

    def _events(self, pupil: Pupil) -> list[int]:
        """Times at which the partner would have seen this record change."""
        days = [pupil.admission]
        days += [date(year, 9, 1) for year in self.years[1:]]
        for span in [*pupil.fsm, *pupil.sen, *pupil.care]:
            days += [span.start] + ([span.end + timedelta(days=1)] if span.end else [])
        if pupil.leaving:
            days.append(pupil.leaving + timedelta(days=1))
        # Somebody corrects a spelling or a telephone number now and then.
        days += [
            date(self.years[0], 9, 1) + timedelta(days=self.rng.randrange(365 * len(self.years))) for _ in range(2)
        ]
        latest = epoch(pupil.leaving + timedelta(days=1), NIGHTLY) if pupil.leaving else 2**40
        return [at for at in (epoch(day, NIGHTLY) for day in days) if pupil.created < at <= latest]
