"""The partner's API over real HTTP: each promise of the reference, one by one."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from sandbox import Sandbox
from sandbox.identity import upn_check_letter

ReadAll = Callable[..., list[dict[str, Any]]]
PHP_DATE = {"date", "timezone_type", "timezone"}


def _data(client: httpx.Client, path: str, **query: Any) -> Any:
    return client.get(path, params=query).raise_for_status().json()["data"]


# -- authentication and errors ---------------------------------------------------------------------------------------


def test_bearer_and_basic_open_the_api(partner: Sandbox) -> None:
    basic = base64.b64encode(f"{partner.token}:".encode()).decode()
    for authorization in (f"Bearer {partner.token}", f"Basic {basic}"):
        assert httpx.get(partner.url + "schools", headers={"Authorization": authorization}).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic ???", "Bearer"])
def test_anything_else_is_401(partner: Sandbox, authorization: str) -> None:
    answer = httpx.get(partner.url + "schools", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthenticated"


def test_unknown_things_are_404(client: httpx.Client, school_ids: list[str]) -> None:
    for path in (
        "nothing",
        "schools/A1",
        "schools/A1/students",
        f"schools/{school_ids[0]}/behaviours",
        f"schools/{school_ids[0]}/students/A2",
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (404, "resource_not_found"), path


def test_the_clock_is_the_simulated_one(client: httpx.Client) -> None:
    answer = client.get("schools")
    assert answer.headers.get_list("date") == ["Fri, 18 Jul 2025 19:00:00 GMT"]
    assert "server" not in answer.headers


def test_a_slash_before_the_question_mark_is_tolerated(client: httpx.Client, school_ids: list[str]) -> None:
    for path in (
        "schools",
        f"schools/{school_ids[0]}",
        f"schools/{school_ids[0]}/students",
        f"meta/schools/{school_ids[0]}",
    ):
        with_slash, without = client.get(path + "/?per_page=2"), client.get(path + "?per_page=2")
        assert with_slash.status_code == 200
        assert with_slash.json()["data"] == without.json()["data"]


def test_writing_back_is_refused(client: httpx.Client, school_ids: list[str]) -> None:
    answer = client.post(f"schools/{school_ids[0]}/attendance/session", json={"student_id": "A2"})
    assert (answer.status_code, answer.json()["error"]) == (403, "invalid_permissions")


@pytest.mark.parametrize("query", [{"per_page": "x"}, {"page": "0"}, {"updated_after": "yesterday"}])
def test_parameters_that_make_no_sense_are_400(
    client: httpx.Client, school_ids: list[str], query: dict[str, str]
) -> None:
    answer = client.get(f"schools/{school_ids[0]}/students", params=query)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_parameter")


# -- paging ----------------------------------------------------------------------------------------------------------


def test_no_pagination_at_fifty_rows_or_fewer_unless_asked_for(client: httpx.Client, school_ids: list[str]) -> None:
    few = f"schools/{school_ids[0]}/students"
    rows = client.get(few).json()
    assert 0 < len(rows["data"]) <= 50
    assert "pagination" not in rows["meta"]
    assert client.get(few, params={"per_page": 200}).json()["meta"]["pagination"] == {
        "next": None,
        "previous": None,
        "more": False,
        "per_page": 200,
        "current_page": 1,
    }


def test_more_than_fifty_rows_come_in_pages_of_fifty(client: httpx.Client, school_ids: list[str]) -> None:
    rows = client.get(f"schools/{school_ids[1]}/students").json()
    assert len(rows["data"]) == 50
    assert rows["meta"]["pagination"]["more"] is True


def test_next_is_absolute_keeps_the_query_and_reaches_every_row_once(
    client: httpx.Client, partner: Sandbox, school_ids: list[str]
) -> None:
    path = f"schools/{school_ids[1]}/students"
    whole = [row["id"] for row in client.get(path, params={"per_page": 500}).json()["data"]]
    address: str | None = f"{partner.url}{path}/?include=education_details%2Cyear&per_page=20"
    seen: list[str] = []
    while address:
        answer = client.get(address).json()
        seen += [row["id"] for row in answer["data"]]
        assert all("year" in row for row in answer["data"])
        assert answer["meta"]["includes"] == ["education_details", "year"]
        address = answer["meta"]["pagination"]["next"]
        if address:
            assert address.startswith(f"{partner.url}{path}/?")
            assert "include=education_details%2Cyear" in address
            assert "per_page=20" in address
    assert seen == whole
    assert len(set(seen)) == len(seen)


def test_marks_are_paged_by_an_opaque_cursor(client: httpx.Client, school_ids: list[str], partner: Sandbox) -> None:
    path = f"schools/{school_ids[1]}/attendance/session"
    query = {"attendance_date_after": "2025-06-30", "attendance_date_before": "2025-07-04"}
    answer = client.get(path, params=query | {"per_page": 37}).json()
    rows = answer["data"]
    while answer["meta"]["pagination"]["more"]:
        address = answer["meta"]["pagination"]["next"]
        assert "cursor=" in address
        assert "page=" not in address.replace("per_page=", "")
        answer = client.get(address).json()
        rows += answer["data"]
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert ids == [row["id"] for row in client.get(path, params=query | {"per_page": 1000}).json()["data"]][: len(ids)]
    days = Counter(row["date"]["date"][:10] for row in rows)
    assert set(days) == {"2025-06-30", "2025-07-01", "2025-07-02", "2025-07-03", "2025-07-04"}
    assert client.get(path, params={"cursor": "not one of ours"}).status_code == 400


def test_page_size_is_bounded(client: httpx.Client, school_ids: list[str]) -> None:
    answer = client.get(f"schools/{school_ids[1]}/attendance/session", params={"per_page": 100000}).json()
    assert len(answer["data"]) == answer["meta"]["pagination"]["per_page"] == 1000


# -- schools ---------------------------------------------------------------------------------------------------------


def test_lists_of_schools_by_state(client: httpx.Client) -> None:
    assert len(_data(client, "schools")) == 6
    for state in ("pending", "audited", "offline", "revoked", "declined"):
        assert len(_data(client, f"schools/{state}")) == 1
    assert len(_data(client, "schools/all")) == 11


def test_a_school_looks_as_documented(client: httpx.Client) -> None:
    school = _data(client, "schools", per_page=1)[0]
    assert re.fullmatch(r"A\d{10}", school["id"])
    assert isinstance(school["urn"], int)
    assert re.fullmatch(r"49\d\d", school["establishment_number"])
    assert re.fullmatch(r"\d{3}", school["la_code"])
    assert school["phase_of_education"] == "PRIMARY"
    assert school["region"]["identifiers"]["urn"] == school["urn"]
    assert _data(client, f"schools/{school['id']}")["id"] == school["id"]
    assert [row["id"] for row in _data(client, "schools/all", urn=school["urn"])] == [school["id"]]


def test_a_school_that_has_not_approved_gives_no_data(client: httpx.Client) -> None:
    for state in ("pending", "revoked", "declined", "audited", "offline"):
        school = _data(client, f"schools/{state}")[0]
        assert client.get(f"schools/{school['id']}/students").status_code == 404


def test_meta_tells_of_custom_codes(client: httpx.Client, school_ids: list[str]) -> None:
    custom = [_data(client, f"meta/schools/{school}")["custom_attendance_codes"] for school in school_ids]
    assert custom == [False, False, False, False, True, False]
    own = {row["code"]: row["type"] for row in _data(client, f"schools/{school_ids[4]}/attendance-codes")}
    assert own["IL"] == "AUTHORISED_ABSENCE"
    assert "I" not in own
    assert "I" in {row["code"] for row in _data(client, f"schools/{school_ids[0]}/attendance-codes")}


def test_permissions_name_resources_and_properties(client: httpx.Client, school_ids: list[str]) -> None:
    permissions = {row["identity"]: row for row in _data(client, f"meta/schools/{school_ids[0]}/permissions")}
    assert permissions["attendance.read"]["approved"] is True
    assert permissions["students.upn.read"]["parent"] == "students.read"


# -- people ----------------------------------------------------------------------------------------------------------


def test_students_by_mis(client: httpx.Client, school_ids: list[str]) -> None:
    sims, arbor = (
        _data(client, f"schools/{school}/students", include="extended_details", per_page=500)
        for school in school_ids[:2]
    )
    assert all(set(row["date_of_birth"]) == PHP_DATE for row in sims)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row["date_of_birth"]) for row in arbor)
    assert {row["gender"] for row in sims} == {"MALE", "FEMALE"}
    assert {row["gender"] for row in arbor} == {"male", "female"}
    assert {row["extended_details"]["data"]["sen_status"] for row in sims} <= {"N", "K", "E"}
    assert "SEN Support" in {row["extended_details"]["data"]["sen_status"] for row in arbor}
    assert "WENG" in {row["extended_details"]["data"]["ethnicity"] for row in sims}
    assert "White - English" in {row["extended_details"]["data"]["ethnicity"] for row in arbor}


def test_date_objects_name_their_zone(client: httpx.Client, school_ids: list[str]) -> None:
    row = _data(client, f"schools/{school_ids[0]}/students", include="education_details", per_page=1)[0]
    assert row["created_at"]["timezone"] == row["updated_at"]["timezone"] == "UTC"
    admission = row["education_details"]["data"]["admission_date"]
    assert admission["timezone"] == "Europe/London"
    assert admission["timezone_type"] == 3
    assert re.fullmatch(r"\d{4}-\d\d-\d\d 00:00:00\.000000", admission["date"])


def test_nc_years_are_text(client: httpx.Client, school_ids: list[str]) -> None:
    years = {
        row["education_details"]["data"]["current_nc_year"]
        for row in _data(client, f"schools/{school_ids[0]}/students", include="education_details", per_page=500)
    }
    assert years == {"N2", "R", "1", "2", "3", "4", "5", "6"}


def test_leavers_and_newcomers_are_listed_apart(read_all: ReadAll, school_ids: list[str]) -> None:
    school = f"schools/{school_ids[1]}"
    current, leavers, coming = (
        read_all(f"{school}/{name}", include="education_details")
        for name in ("students", "students-leaver", "students-pre-admission")
    )
    ids = [{row["id"] for row in rows} for rows in (current, leavers, coming)]
    assert all(ids)
    assert len(ids[0] | ids[1] | ids[2]) == sum(map(len, ids))
    assert all(row["education_details"]["data"]["leaving_date"] is None for row in current + coming)
    assert all(row["education_details"]["data"]["leaving_date"]["date"] < "2025-07-18" for row in leavers)
    assert all(row["education_details"]["data"]["admission_date"]["date"] > "2025-07-18" for row in coming)


def test_upns_on_the_wire_are_valid(read_all: ReadAll, school_ids: list[str]) -> None:
    rows = read_all(f"schools/{school_ids[2]}/students", include="education_details")
    upns = [row["education_details"]["data"]["upn"] for row in rows]
    assert all(upn is None or upn_check_letter(upn[1:]) == upn[0] for upn in upns)


def test_updated_after_gives_what_changed_and_only_that(read_all: ReadAll, school_ids: list[str]) -> None:
    path = f"schools/{school_ids[1]}/students"
    everything = read_all(path)
    since = "2025-03-01 00:00:00"
    changed = [row["id"] for row in everything if row["updated_at"]["date"][:19] > since]
    assert 0 < len(changed) < len(everything)
    assert [row["id"] for row in read_all(path, updated_after=since)] == changed
    before = [row["id"] for row in everything if row["updated_at"]["date"][:19] < since]
    assert [row["id"] for row in read_all(path, updated_before=since)] == before


@pytest.mark.parametrize(
    ("place", "include"),
    [
        (0, "registration_group"),
        (0, "campus"),
        (1, "education_details,house"),
        (2, "identifiers"),
        (0, "classes.colour"),
    ],
)
def test_an_include_that_a_mis_lacks_breaks_the_whole_request(
    client: httpx.Client, school_ids: list[str], place: int, include: str
) -> None:
    answer = client.get(f"schools/{school_ids[place]}/students", params={"include": include})
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_include", "error_description": include.rsplit(",", maxsplit=1)[-1]}


def test_relations_are_nested_in_envelopes(client: httpx.Client, school_ids: list[str]) -> None:
    row = _data(
        client,
        f"schools/{school_ids[1]}/students",
        include="education_details,extended_details,contact_details,year,registration,sen_needs,sen_date_ranges,"
        "fsm_date_ranges,siblings,classes.subject,results.aspect,exclusions,attendance_summary",
        per_page=1,
    )[0]
    assert row["year"]["data"]["name"].startswith("Year ")
    assert row["contact_details"]["data"]["addresses"]["home"]["postcode"].startswith("ZZ")
    for many in ("sen_needs", "sen_date_ranges", "fsm_date_ranges", "siblings", "classes", "results", "exclusions"):
        assert isinstance(row[many]["data"], list)
    assert row["classes"]["data"][0]["subject"]["data"]["name"]
    assert row["results"]["data"][0]["aspect"]["data"]["name"]


def test_employees(read_all: ReadAll, school_ids: list[str]) -> None:
    rows = read_all(f"schools/{school_ids[1]}/employees", include="employment_details,contracts,roles,contact_details")
    current = Counter(row["employment_details"]["data"]["current"] for row in rows)
    assert current[True] >= 8
    assert current[False] > 0
    teacher = next(row for row in rows if row["employment_details"]["data"]["teaching_staff"])
    assert teacher["roles"]["data"][0]["contract"] == teacher["contracts"]["data"][0]["id"]
    emails = [row["contact_details"]["data"]["emails"]["email"] for row in rows]
    assert all(email is None or email.endswith(".example.org") for email in emails)


# -- timetable and assessment ----------------------------------------------------------------------------------------


def test_a_primary_publishes_registration_groups_and_no_classes(client: httpx.Client, school_ids: list[str]) -> None:
    assert _data(client, f"schools/{school_ids[0]}/classes") == []
    groups = _data(client, f"schools/{school_ids[0]}/groups", type="REGISTRATION", include="students,employees")
    assert {group["type"] for group in groups} == {"REGISTRATION"}
    members = [student["id"] for group in groups for student in group["students"]["data"]]
    assert sorted(members) == sorted(row["id"] for row in _data(client, f"schools/{school_ids[0]}/students"))


def test_classes_hold_pupils_on_roll_and_a_main_teacher(read_all: ReadAll, school_ids: list[str]) -> None:
    school = f"schools/{school_ids[1]}"
    on_roll = {row["id"] for row in read_all(f"{school}/students")}
    staff = {row["id"] for row in read_all(f"{school}/employees")}
    classes = read_all(f"{school}/classes", include="subject,students,employees", has_students="true")
    assert {row["academic_year"] for row in classes} == {"2024/2025"}
    for row in classes:
        assert {student["id"] for student in row["students"]["data"]} <= on_roll
        assert {teacher["id"] for teacher in row["employees"]["data"]} <= staff
        assert [teacher["meta"]["is_main_teacher"] for teacher in row["employees"]["data"]].count(True) == 1
        assert row["subject"]["data"]["code"] in row["code"]


def test_lessons_are_dated_and_bounded(read_all: ReadAll, school_ids: list[str]) -> None:
    bounds = {"lessons_start_after": "2025-07-07", "lessons_start_before": "2025-07-08"}
    plain = read_all(f"schools/{school_ids[1]}/lessons", **bounds)
    assert plain
    assert {row["start_at"]["date"][:10] for row in plain} == {"2025-07-07"}
    assert all(isinstance(row["room"], str) and isinstance(row["period"], str) for row in plain)
    full = read_all(f"schools/{school_ids[1]}/lessons", include="room,period", **bounds)
    assert [row["id"] for row in full] == [row["id"] for row in plain]
    assert full[0]["period"]["data"]["day"] == "monday"


def test_results_point_at_aspects_and_sets(read_all: ReadAll, school_ids: list[str]) -> None:
    school = f"schools/{school_ids[2]}"
    aspects = {row["id"]: row["name"] for row in read_all(f"{school}/assessment/aspects")}
    sets = {row["id"] for row in read_all(f"{school}/assessment/resultsets")}
    students = {row["id"] for name in ("students", "students-leaver") for row in read_all(f"{school}/{name}")}
    results = read_all(f"{school}/assessment/results")
    assert {row["aspect"] for row in results} == set(aspects)
    assert {row["resultset"] for row in results} == sets
    assert {row["student"] for row in results} <= students
    assert {"KS2 Reading scaled score", "GCSE Mathematics", "Phonics screening check mark"} <= set(aspects.values())
    assert max(row["result_date"]["date"] for row in results) < "2025-07-18"


# -- attendance ------------------------------------------------------------------------------------------------------


def test_marks_and_their_includes(client: httpx.Client, school_ids: list[str]) -> None:
    path, day = f"schools/{school_ids[0]}/attendance/session", {"attendance_date_after": "2025-07-18", "per_page": 1000}
    codes = {row["id"]: row["code"] for row in _data(client, f"schools/{school_ids[0]}/attendance-codes")}
    plain = _data(client, path, **day)
    assert {row["session"] for row in plain} == {"AM", "PM"}
    assert all(row["attendance_code"] in codes for row in plain)
    full = _data(client, path, include="student,attendance_code", **day)
    for short, long in zip(plain, full, strict=True):
        assert long["student"]["data"]["id"] == short["student"]
        assert long["attendance_code"]["data"]["code"] == codes[short["attendance_code"]]
        assert long["student"]["data"]["upi"]


def test_late_marks_carry_minutes(read_all: ReadAll, school_ids: list[str]) -> None:
    codes = {row["id"]: row["code"] for row in read_all(f"schools/{school_ids[1]}/attendance-codes")}
    late = {"L": range(1, 29), "U": range(31, 90)}
    seen = Counter()  # type: Counter[str]
    for row in read_all(f"schools/{school_ids[1]}/attendance/session", attendance_date_after="2025-05-01"):
        code = codes[row["attendance_code"]]
        assert (row["minutes_late"] in late[code]) if code in late else row["minutes_late"] is None
        seen[code] += 1
    assert seen["L"] > 0
    assert seen["U"] > 0


def test_updated_after_finds_new_and_amended_marks(read_all: ReadAll, school_ids: list[str]) -> None:
    path = f"schools/{school_ids[1]}/attendance/session"
    everything = read_all(path, per_page=1000)
    since = "2025-07-14 00:00:00"
    expected = {row["id"] for row in everything if row["updated_at"]["date"][:19] > since}
    found = read_all(path, updated_after=since, per_page=100)
    assert {row["id"] for row in found} == expected
    assert len(found) == len(expected)
    amended = [row for row in found if row["date"]["date"] < "2025-07-14"]
    assert amended
    assert all(row["created_at"]["date"] < row["updated_at"]["date"] for row in amended)


def test_leavers_marks_are_elsewhere(read_all: ReadAll, school_ids: list[str]) -> None:
    school = f"schools/{school_ids[1]}"
    leavers = {row["id"] for row in read_all(f"{school}/students-leaver")}
    day = {"attendance_date_after": "2024-06-03", "attendance_date_before": "2024-06-03"}
    left = {row["student"] for row in read_all(f"{school}/attendance-leavers/session", **day)}
    here = {row["student"] for row in read_all(f"{school}/attendance/session", **day)}
    assert left
    assert left <= leavers
    assert not here & leavers


def test_code_change_of_august_2024_lies_inside(read_all: ReadAll, school_ids: list[str]) -> None:
    days: dict[str, list[date]] = {}
    for school in school_ids[:4]:
        codes = {row["id"]: row["code"] for row in read_all(f"schools/{school}/attendance-codes")}
        for row in read_all(f"schools/{school}/attendance/session", per_page=1000):
            days.setdefault(codes[row["attendance_code"]], []).append(date.fromisoformat(row["date"]["date"][:10]))
    change = date(2024, 8, 19)
    assert all(max(days[code]) < change for code in ("H", "J") if code in days)
    assert all(min(days[code]) >= change for code in ("J1", "C2", "C1", "K") if code in days)
    assert {"H", "C2", "N", "-", "#", "X"} <= set(days)


def test_exclusions_need_both_includes(read_all: ReadAll, school_ids: list[str]) -> None:
    path = f"schools/{school_ids[1]}/exclusions"
    with_current, with_leavers = read_all(path, include="student"), read_all(path, include="student-leaver")
    assert [row["id"] for row in with_current] == [row["id"] for row in with_leavers]
    named = [
        (a["student"]["data"] is None, b["student-leaver"]["data"] is None)
        for a, b in zip(with_current, with_leavers, strict=True)
    ]
    assert set(named) == {(True, False), (False, True)}
    assert {row["type_code"] for row in with_current} <= {"SUSP", "PERM", "LNCH"}


def test_summaries_absences_and_global_codes(client: httpx.Client, read_all: ReadAll, school_ids: list[str]) -> None:
    summaries = read_all(f"schools/{school_ids[1]}/attendance-summaries")
    for row in summaries:
        absent = row["authorised_absences"] + row["unauthorised_absences"]
        assert row["possible_marks"] == row["present_marks"] + absent
    assert read_all(f"schools/{school_ids[1]}/attendance/absence")
    assert {"/", "J1", "J", "-"} <= {row["code"] for row in _data(client, "attendance-codes")}


# -- deletions and counts --------------------------------------------------------------------------------------------


def test_deletions_name_top_level_things_only(read_all: ReadAll, school_ids: list[str]) -> None:
    school = f"schools/{school_ids[1]}"
    deletions = read_all(f"{school}/deletions")
    assert {row["type"] for row in deletions} == {"student", "class"}
    gone = {row["id"] for row in deletions if row["type"] == "student"}
    assert gone == {row["id"] for row in read_all(f"{school}/students-leaver")}
    assert {row["type"] for row in read_all(f"{school}/deletions", type="class")} == {"class"}
    recent = read_all(f"{school}/deletions", updated_after="2025-01-01")
    assert recent == [row for row in deletions if row["deleted_at"]["date"] > "2025-01-01"]


def test_counts(client: httpx.Client, read_all: ReadAll, school_ids: list[str]) -> None:
    counts = _data(client, f"schools/{school_ids[1]}/counts", include="students,classes")
    for name in ("students", "classes"):
        assert counts[name]["data"]["count"] == len(read_all(f"schools/{school_ids[1]}/{name}"))
