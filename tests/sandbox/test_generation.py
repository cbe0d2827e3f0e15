"""What generated schools are like, row by row."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec
import numpy as np
import pytest

from sandbox.calendar import academic_year
from sandbox.codes import AM, CODES, NUMBER, PM
from sandbox.identity import upn_check_letter
from sandbox.pupils import DUAL_WEEKDAYS, Pupil
from sandbox.schools import LAST_COMPULSORY, RECEPTION, plan
from sandbox.world import SchoolData, generate

SEED, YEARS = 11, [2023, 2024, 2025]


def _bytes(data: SchoolData) -> bytes:
    lists = (data.pupils, data.register.exclusions, data.classes, data.employees, data.results.values)
    arrays = (data.register.final, data.register.at, data.results.pupil, data.results.value)
    return msgspec.msgpack.encode(lists) + b"".join(array.tobytes() for array in arrays)


def _all_pupils(schools: dict[str, SchoolData]) -> list[Pupil]:
    return [pupil for data in schools.values() for pupil in data.pupils]


def test_same_seed_same_school_and_another_seed_another() -> None:
    school = plan(SEED, 3, 0.1)[1]
    assert _bytes(generate(school, SEED, YEARS)) == _bytes(generate(school, SEED, YEARS))
    assert _bytes(generate(school, SEED, YEARS)) != _bytes(generate(school, SEED + 1, YEARS))


def test_a_school_does_not_depend_on_how_many_there_are() -> None:
    assert plan(SEED, 30, 1.0)[:5] == plan(SEED, 5, 1.0)[:5]


def test_default_plan_has_the_promised_schools() -> None:
    primary, secondary, through, *others = plan(20250718, 3, 1.0)
    assert (primary.wire_phase, secondary.wire_phase, through.wire_phase) == ("PRIMARY", "SECONDARY", "ALL THROUGH")
    assert primary.nursery + 7 * primary.primary_intake == 420
    assert 5 * secondary.secondary_intake + 2 * secondary.sixth_intake == 1100
    assert [school.state for school in others] == ["pending", "revoked", "declined", "audited", "offline"]
    assert len({primary.mis, secondary.mis, through.mis}) == 3


def test_many_schools_have_ids_of_their_own_and_national_phases() -> None:
    planned = plan(5, 400, 1.0)
    for name in ("id", "urn"):
        assert len({getattr(school, name) for school in planned}) == len(planned)
    assert len({(school.la_code, school.establishment_number) for school in planned}) == len(planned)
    assert all(199000 <= school.urn <= 199999 for school in planned)
    shares = Counter(school.phase for school in planned)
    assert 0.70 < shares["primary"] / len(planned) < 0.86
    assert 0.10 < shares["secondary"] / len(planned) < 0.24


def test_upns_are_valid_and_some_are_temporary_or_missing(schools: dict[str, SchoolData]) -> None:
    upns = [pupil.upn for pupil in _all_pupils(schools)]
    assert all(upn_check_letter(upn[1:]) == upn[0] for upn in upns if upn)
    assert any(upn and upn[-1].isalpha() for upn in upns)
    assert any(upn is None for upn in upns)


def test_a_upn_belongs_to_one_person_of_a_school(schools: dict[str, SchoolData]) -> None:
    for data in schools.values():
        owners: dict[str, set[str]] = {}
        for pupil in data.pupils:
            if pupil.upn:
                owners.setdefault(pupil.upn, set()).add(pupil.upi)
        assert [upn for upn, people in owners.items() if len(people) > 1] == []


def test_addresses_and_names_are_invented_and_awkward(schools: dict[str, SchoolData]) -> None:
    people = _all_pupils(schools)
    assert all(pupil.address.postcode.startswith("ZZ") for pupil in people)
    surnames = " ".join(pupil.surname for pupil in people)
    assert "'" in surnames
    assert "-" in surnames
    assert any(not char.isascii() for char in surnames)


def test_siblings_share_surname_and_home(schools: dict[str, SchoolData]) -> None:
    families: dict[int, list[Pupil]] = {}
    for pupil in schools["primary"].pupils:
        families.setdefault(pupil.family, []).append(pupil)
    several = [members for members in families.values() if len({pupil.upi for pupil in members}) > 1]
    assert len(several) > 10
    for members in several:
        assert len({(pupil.surname, pupil.address) for pupil in members}) == 1


def test_who_comes_back_keeps_the_person_hash_and_gets_a_new_number() -> None:
    school = plan(SEED, 3, 1.0)[1]
    pupils = generate(school, SEED, YEARS).pupils
    returned = [(pupil, pupils[pupil.returned_as]) for pupil in pupils if pupil.returned_as is not None]
    assert returned
    for before, after in returned:
        assert (before.upi, before.upn, before.surname, before.birth) == (
            after.upi,
            after.upn,
            after.surname,
            after.birth,
        )
        assert before.number != after.number
        assert before.leaving is not None
        assert before.leaving < after.admission


def test_two_schools_share_a_dually_registered_pupil(schools: dict[str, SchoolData]) -> None:
    main_school, other_school = schools["secondary"], schools["all through"]
    by_upn = {pupil.upn: pupil for pupil in other_school.pupils if pupil.upn}
    shared = [(pupil, by_upn[pupil.upn]) for pupil in main_school.pupils if pupil.upn in by_upn]
    assert len(shared) == 1
    main, subsidiary = shared[0]
    assert (main.enrolment_status, subsidiary.enrolment_status) == ("M", "S")
    assert (main.surname, main.birth, main.address) == (subsidiary.surname, subsidiary.birth, subsidiary.address)
    for data, pupil, elsewhere in ((main_school, main, True), (other_school, subsidiary, False)):
        column = data.register.final[:, pupil.number]
        for session, code in zip(data.register.sessions, column.tolist(), strict=True):
            if CODES[code].kind != "SCHOOL_CLOSED" and CODES[code].code not in ("", "Y", "Y4"):
                assert (code == NUMBER["D"]) == ((session.day.weekday() in DUAL_WEEKDAYS) == elsewhere)


def test_marks_lie_within_the_enrolment_and_within_the_code_s_time(schools: dict[str, SchoolData]) -> None:
    for data in schools.values():
        days = np.array([session.day.toordinal() for session in data.register.sessions])
        for pupil in data.pupils:
            codes = data.register.final[:, pupil.number]
            held = (codes != 0) & (codes != NUMBER["Z"]) & (codes != NUMBER["#"])
            outside = days < pupil.admission.toordinal()
            if pupil.leaving:
                outside |= days > pupil.leaving.toordinal()
            assert not (held & outside).any()
        for number in np.unique(data.register.final[data.register.final > 0]).tolist():
            used = days[np.any(data.register.final == number, axis=1)]
            assert CODES[number].since.toordinal() <= used.min()
            assert used.max() <= CODES[number].until.toordinal()


def test_sessions_with_code_e_are_the_suspensions_sessions(schools: dict[str, SchoolData]) -> None:
    total = 0
    for data in schools.values():
        covered = np.zeros_like(data.register.final, dtype=bool)
        for exclusion in data.register.exclusions:
            column = data.register.final[exclusion.first : exclusion.last + 1, exclusion.pupil]
            if exclusion.kind == "LNCH":
                assert exclusion.sessions == 0
                continue
            assert int((column == NUMBER["E"]).sum()) == exclusion.sessions
            assert column[0] == column[-1] == NUMBER["E"]
            covered[exclusion.first : exclusion.last + 1, exclusion.pupil] = True
            total += 1
        assert not ((data.register.final == NUMBER["E"]) & ~covered).any()
    assert total > 20


def test_year_11_is_on_study_leave_after_the_may_half_term(schools: dict[str, SchoolData]) -> None:
    data = schools["secondary"]
    for year in (2023, 2024):
        summer = [
            place
            for place, session in enumerate(data.register.sessions)
            if academic_year(session.day) == year and session.day.month == 6 and session.day.day > 6
        ]
        eleventh = [pupil.number for pupil in data.pupils if pupil.nc_year(year, YEARS[0]) == LAST_COMPULSORY]
        codes = Counter(data.register.final[np.ix_(summer, eleventh)].ravel().tolist())
        assert codes[NUMBER["S"]] > 0
        assert codes[AM] == codes[PM] == 0


def test_reception_starts_part_time(schools: dict[str, SchoolData]) -> None:
    data = schools["primary"]
    reception = [
        pupil.number
        for pupil in data.pupils
        if pupil.nc_year(2024, YEARS[0]) == RECEPTION and pupil.admission == date(2024, 9, 1)
    ]
    first = [
        place
        for place, session in enumerate(data.register.sessions)
        if date(2024, 9, 4) <= session.day <= date(2024, 9, 13) and session.afternoon
    ]
    new = set(data.register.final[np.ix_(first, reception)].ravel().tolist())
    assert NUMBER["X"] in new
    assert PM not in new


def test_cohorts_without_tests_have_no_key_stage_2_results(schools: dict[str, SchoolData]) -> None:
    results = schools["secondary"].results
    pupils = schools["secondary"].pupils
    key_stage_2 = [number for number, (name, _) in enumerate(results.aspects) if name.startswith("KS2")]
    with_results = {pupils[pupil].cohort for pupil in results.pupil[np.isin(results.aspect, key_stage_2)].tolist()}
    # Year 6 of summer 2020 and 2021 are in Year 10 and 9 in 2023/24.
    assert not with_results & {10, 9}
    assert {12, 11, 8, 7, 6} <= with_results


@pytest.mark.parametrize("subject", ["GCSE Mathematics", "GCSE English Language"])
def test_year_11_of_2024_has_gcse_grades(schools: dict[str, SchoolData], subject: str) -> None:
    results = schools["secondary"].results
    aspect = next(number for number, (name, _) in enumerate(results.aspects) if name == subject)
    summer = next(number for number, (name, *_) in enumerate(results.sets) if name == "GCSE Results 2024")
    grades = {
        results.values[value] for value in results.value[(results.aspect == aspect) & (results.result_set == summer)]
    }
    assert grades <= set("987654321U")
    assert len(grades) >= 7


def test_staff_come_and_go(schools: dict[str, SchoolData]) -> None:
    staff = [employee for data in schools.values() for employee in data.employees]
    assert any(employee.end for employee in staff)
    assert any(employee.start > date(2023, 9, 10) for employee in staff)
    assert all(employee.email is None or employee.email.endswith(".example.org") for employee in staff)
