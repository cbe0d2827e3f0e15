"""Groupcall's envelope, pages, types and spellings."""

from __future__ import annotations

import re

import pytest
from groupcall_reader import Groupcall


def test_an_answer_has_named_sets_and_meta(groupcall: Groupcall, school_ids: list[str]) -> None:
    answer = groupcall.read(school_ids[0], "Students")
    assert list(answer) == ["Students", "StudentSiblings", "meta"]
    assert answer["meta"] == [{"Id": 1, "MIS": "simsnet", "Version": "4", "DateTime": "2025-07-18T20:00:00"}]
    row = answer["Students"][0]
    assert re.fullmatch(r"[0-9A-F]{40}", row["RowHash"])
    assert re.fullmatch(r"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?", row["LastUpdated"])
    assert row["Id"].isdigit()
    assert row["IdaasId"] == f"PL-{row['Id']}"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row["ExternalId"])
    assert row["FSMEligible"] in (0, 1)
    assert row["ServiceChild"] in ("0", "1")
    assert {"DateofBirth", "FSMEver6", "EAL"} <= set(row)
    years = {row["YearGroup"] for row in answer["Students"]}
    assert {"Year  1", "Year  R"} <= years
    assert "Year 10" in {row["YearGroup"] for row in groupcall.read(school_ids[1], "Students")["Students"]}
    assert "DateOfBirth" in groupcall.read(school_ids[0], "Staff")["Staff"][0]


def test_codes_come_as_codes_whatever_the_mis(groupcall: Groupcall, school_ids: list[str]) -> None:
    for school in school_ids[:3]:
        for row in groupcall.read(school, "Students")["Students"]:
            assert re.fullmatch(r"[A-Z]{4}", row["EthnicityCode"])
            assert re.fullmatch(r"[A-Z]{3}", row["FirstLanguageCode"])
            assert row["SENProvision"] in ("N", "K", "E")
            assert row["EnrolmentStatus"] in ("C", "M", "S")
            assert row["Gender"] in ("M", "F")


@pytest.mark.parametrize("place", [0, 1])
def test_pages_divide_the_main_set(groupcall: Groupcall, school_ids: list[str], place: int) -> None:
    whole = groupcall.read(school_ids[place], "Students", "includeSiblingsResultset")
    pages = groupcall.pages(school_ids[place], "Students", 7, "includeSiblingsResultset")
    assert [row for page in pages for row in page["Students"]] == whole["Students"]
    # Helper sets come along with every page.
    assert all(page["StudentSiblings"] == whole["StudentSiblings"] for page in pages)
    numbers = [page["__pagination__"][0] for page in pages]
    assert [number["PageNumber"] for number in numbers] == list(range(1, len(pages) + 1))
    assert {number["RowCount"] for number in numbers} == {len(whole["Students"])}
    assert numbers[-1]["NextPage"] == f"?page={len(pages) + 1}&pageSize=7"
    past = groupcall.read(school_ids[place], "Students", pageSize=7, page=len(pages) + 1)
    assert past["Students"] == []
    # SIMS leaves meta out after the first page, Arbor does not.
    assert [bool(page["meta"]) for page in pages[:2]] == [True, place == 1]
    assert "__pagination__" not in whole


def test_select_and_case_of_names(groupcall: Groupcall, school_ids: list[str]) -> None:
    rows = groupcall.read(school_ids[0], "students", SELECT="Id,surname")["Students"]
    assert {tuple(row) for row in rows} == {("Id", "Surname")}


def test_updated_since_is_local_time_and_strictly_after(groupcall: Groupcall, school_ids: list[str]) -> None:
    rows = groupcall.read(school_ids[1], "Students")["Students"]
    stamps = sorted({row["LastUpdated"] for row in rows})
    middle = stamps[len(stamps) // 2]
    found = groupcall.read(school_ids[1], "Students", updatedSince=middle)["Students"]
    assert {row["Id"] for row in found} == {row["Id"] for row in rows if row["LastUpdated"] > middle}
    assert groupcall.read(school_ids[1], "Students", updatedSince="yesterday")["ExceptionMessage"]


def test_bad_parameters_are_exceptions_inside_200(groupcall: Groupcall, school_ids: list[str]) -> None:
    for endpoint, query in (
        ("AttendanceForDate", {}),
        ("AttendanceForDateRange", {"DateFrom": "2025-07-01"}),
        ("AttendanceForDateRange", {"DateFrom": "2025-07-02", "DateTo": "2025-07-01"}),
        ("AttendanceForDate", {"date": "18/07/2025"}),
        ("assessmentresults", {}),
        ("Students", {"pageSize": "many"}),
    ):
        answer = groupcall.read(school_ids[0], endpoint, **query)
        assert list(answer) == ["Message", "ExceptionType", "ExceptionMessage", "InnerException"], endpoint
        assert answer["ExceptionMessage"]
