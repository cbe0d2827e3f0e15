"""Attendance and results of many generated schools against the national figures.

Some 130 small primary and 75 small secondary schools, together over 5,000 pupils of each phase in each of two years:
schools differ as schools do, so that it takes many. Tolerances are three standard errors of such a sample or wider.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from statistics import mean

import numpy as np
import numpy.typing as npt
import pytest

from sandbox.attainment import assess, ks2_bands
from sandbox.attendance import Register, mark_attendance
from sandbox.calendar import academic_year, half_terms
from sandbox.codes import AUTHORISED, CODES, NUMBER, POSSIBLE, UNAUTHORISED
from sandbox.parameters import attainment_parameters, attendance_parameters
from sandbox.pupils import Pupil, Roster
from sandbox.schools import LAST_COMPULSORY, School, plan

SEED, YEARS = 2025, [2023, 2024]
LAST_WEEKS = {day for days in half_terms(2024) for day in days[-5:]}
Counts = npt.NDArray[np.int64]


@dataclass
class _Sample:
    """Counts of marks by code under several keys, and (persistently absent, enrolments) under the same keys."""

    marks: dict[tuple[object, ...], Counts] = field(
        default_factory=lambda: defaultdict(lambda: np.zeros(len(CODES), int))
    )
    persistent: dict[tuple[object, ...], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    spells: list[int] = field(default_factory=list)

    def rate(self, codes: list[int], *key: object) -> float:
        """Share of the possible sessions of ``key`` that carry one of ``codes``."""
        counts = self.marks[key]
        return float(counts[codes].sum() / counts[POSSIBLE].sum())

    def absence(self, *key: object) -> float:
        return self.rate(AUTHORISED + UNAUTHORISED, *key)

    def persistently_absent(self, *key: object) -> float:
        flagged, enrolments = self.persistent[key]
        return flagged / enrolments


@pytest.fixture(scope="module")
def sample() -> _Sample:
    found = _Sample()
    primary = [school for school in plan(SEED, 170, 0.2)[:170] if school.phase == "primary"]
    # One school in six is a secondary school; their sample takes a longer list of smaller ones.
    secondary = [school for school in plan(SEED + 1, 480, 0.1)[:480] if school.phase == "secondary"]
    for school in primary + secondary:
        pupils = Roster(school, SEED, YEARS).build()
        _count(found, school, pupils, mark_attendance(school, SEED, YEARS, pupils))
    return found


def _count(found: _Sample, school: School, pupils: list[Pupil], register: Register) -> None:
    years = np.array([academic_year(session.day) for session in register.sessions])
    months = np.array([session.day.month for session in register.sessions])
    for pupil in pupils:
        for year in YEARS:
            nc_year = pupil.nc_year(year, YEARS[0])
            if not 1 <= nc_year <= LAST_COMPULSORY:
                continue
            # Statistics leave out Year 11 after the May half term.
            counted = (years == year) & ~((nc_year == LAST_COMPULSORY) & np.isin(months, (6, 7)))
            column = register.final[counted, pupil.number]
            counts = np.bincount(column, minlength=len(CODES))
            possible, missed = int(counts[POSSIBLE].sum()), int(counts[AUTHORISED + UNAUTHORISED].sum())
            if not possible:
                continue
            phase = school.pupil_phase(nc_year)
            for key in (
                (phase, year),
                (phase, "FSM" if pupil.fsm else "not FSM"),
                (phase, "SEN" if pupil.sen else "no SEN"),
            ):
                found.marks[key] += counts
                found.persistent[key][0] += 10 * missed >= possible
                found.persistent[key][1] += 1
            found.spells += [len(list(run)) for code, run in groupby(column.tolist()) if code == NUMBER["I"]]
    young = [pupil.number for pupil in pupils if 1 <= pupil.nc_year(2024, YEARS[0]) <= 10]
    for place, session in enumerate(register.sessions):
        if years[place] == 2024:
            counts = np.bincount(register.final[place, young], minlength=len(CODES))
            found.marks[("session", session.day.weekday(), session.afternoon)] += counts
            found.marks[("part of half term", "last week" if session.day in LAST_WEEKS else "earlier")] += counts


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize(
    ("phase", "tolerance"),
    [
        (
            "primary",
            {"absence": 0.006, "authorised": 0.005, "unauthorised": 0.003, "illness": 0.004, "persistent": 0.02},
        ),
        (
            "secondary",
            {"absence": 0.009, "authorised": 0.007, "unauthorised": 0.005, "illness": 0.006, "persistent": 0.03},
        ),
    ],
)
def test_rates_of_a_phase_are_near_the_national_ones(
    sample: _Sample, phase: str, year: int, tolerance: dict[str, float]
) -> None:
    level = attendance_parameters().level(phase, year)
    assert level.academic_year == f"{year}/{year + 1}"
    assert sample.persistent[(phase, year)][1] > 5000
    key = (phase, year)
    assert sample.absence(*key) == pytest.approx(level.absence, abs=tolerance["absence"])
    assert sample.rate(AUTHORISED, *key) == pytest.approx(level.authorised, abs=tolerance["authorised"])
    assert sample.rate(UNAUTHORISED, *key) == pytest.approx(level.unauthorised, abs=tolerance["unauthorised"])
    assert sample.rate([NUMBER["I"]], *key) == pytest.approx(level.illness, abs=tolerance["illness"])
    assert sample.persistently_absent(*key) == pytest.approx(level.persistent_absence, abs=tolerance["persistent"])


@pytest.mark.parametrize("phase", ["primary", "secondary"])
def test_every_common_code_comes_at_its_national_rate(sample: _Sample, phase: str) -> None:
    """Within a quarter, for codes of more than ten sessions in 10,000; the old and new codes keep to their years."""
    for year in YEARS:
        for code, per_10k in attendance_parameters().level(phase, year).per_10k_possible.items():
            if per_10k > 10 and code != "D":
                assert 1e4 * sample.rate([NUMBER[code]], phase, year) == pytest.approx(per_10k, rel=0.25), (year, code)
    old, new = sample.marks[(phase, 2023)], sample.marks[(phase, 2024)]
    assert old[NUMBER["J"]] > 0
    assert new[NUMBER["J"]] == new[NUMBER["H"]] == new[NUMBER["Y"]] == 0
    assert new[NUMBER["J1"]] > 0
    assert new[NUMBER["C2"]] > 0
    assert old[NUMBER["J1"]] == old[NUMBER["C2"]] == old[NUMBER["K"]] == old[NUMBER["Y4"]] == 0


@pytest.mark.parametrize("phase", ["primary", "secondary"])
def test_groups_differ_as_they_do_nationally(sample: _Sample, phase: str) -> None:
    """Autumn 2024: FSM 10.0 % against 5.2 %, persistent 31.7 % against 14.4 %; SEN support 10.1 % against 5.8 %."""
    assert 1.4 < sample.absence(phase, "FSM") / sample.absence(phase, "not FSM") < 2.2
    assert 1.5 < sample.persistently_absent(phase, "FSM") / sample.persistently_absent(phase, "not FSM") < 2.7
    assert 1.25 < sample.absence(phase, "SEN") / sample.absence(phase, "no SEN") < 2.0


def test_the_week_has_its_known_shape(sample: _Sample) -> None:
    """Lowest about Wednesday, highest on Friday afternoon, 1.0 to 3.0 points apart (1.6 and 2.1 in autumn 2021)."""
    half_days = {
        (weekday, afternoon): sample.absence("session", weekday, afternoon)
        for weekday in range(5)
        for afternoon in (False, True)
    }
    assert max(half_days, key=lambda key: half_days[key]) == (4, True)
    wednesday_and_its_neighbours = {(2, False), (2, True), (3, False)}
    assert min(half_days, key=lambda key: half_days[key]) in wednesday_and_its_neighbours
    assert 0.010 < half_days[4, True] - half_days[2, False] < 0.030


def test_absence_climbs_to_the_end_of_each_half_term(sample: _Sample) -> None:
    assert sample.absence("part of half term", "last week") > 1.2 * sample.absence("part of half term", "earlier")


def test_illness_comes_in_runs(sample: _Sample) -> None:
    assert 2.0 < mean(sample.spells) < 5.0


def test_gcse_grades_follow_the_published_distribution_of_each_ks2_band() -> None:
    """Mean points of mathematics in each band within a third of a grade; bands of 100 pupils and more."""
    school = plan(SEED, 3, 7.0)[1]
    pupils = Roster(school, SEED, YEARS).build()
    results = assess(school, SEED, YEARS, pupils)
    of_aspect = {
        name: {
            int(results.pupil[row]): results.values[results.value[row]]
            for row in np.flatnonzero(results.aspect == number)
        }
        for number, (name, _) in enumerate(results.aspects)
        if name in ("KS2 Reading scaled score", "KS2 Mathematics scaled score", "GCSE Mathematics")
    }
    reading, maths, gcse = (
        of_aspect[name] for name in sorted(of_aspect, key=lambda name: ("GCSE" in name, "Math" in name))
    )
    points: dict[int, list[int]] = defaultdict(list)
    for pupil, grade in gcse.items():
        if reading.get(pupil, "N") != "N" and maths.get(pupil, "N") != "N":
            band = ks2_bands(np.array([(int(reading[pupil]) + int(maths[pupil])) / 2]))
            points[int(band[0])].append(0 if grade == "U" else int(grade))
    published = next(subject for subject in attainment_parameters().gcse if subject.subject == "Mathematics")
    compared = 0
    for band, got in points.items():
        if len(got) >= 100:
            shares = np.array(published.per_10k_by_band[band]) / sum(published.per_10k_by_band[band])
            expected = float(shares @ [0 if grade == "U" else int(grade) for grade in published.grades])
            assert mean(got) == pytest.approx(expected, abs=0.34), band
            compared += 1
    assert compared >= 7
