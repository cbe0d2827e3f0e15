"""Change tracking with changedRows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from groupcall_reader import Groupcall

from sandbox import running

SEED = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generated schools that the tests of this module share."""
    return tmp_path_factory.mktemp("sandbox data")


@pytest.fixture
def own(folder: Path) -> Iterator[Groupcall]:
    """A sandbox that a test may change."""
    with running(size=0.06, seed=SEED, directory=folder, reset=True) as sandbox:
        yield Groupcall(sandbox)


def _school(own: Groupcall, place: int = 1) -> str:
    school: str = own.sandbox.get("schools")["data"][place]["id"]
    return school


def _renew(own: Groupcall) -> None:
    own.tokens.clear()


def test_only_changed_and_deleted_rows_come_after_the_first_call(own: Groupcall) -> None:
    school = _school(own, 0)
    first = own.read(school, "Students", changedRows="*")
    (tracking,) = first["__changedRows__"]
    assert (tracking["PreviousChangedRows"], tracking["RequestedChangedRows"]) == (None, "*")
    assert tracking["NextUrl"] == f"?changedRows={tracking['NextChangedRows']}"
    assert tracking["SnapshotDate"] == "2025-07-18T20:00:00"
    assert "Students_deleted" not in first
    same = own.read(school, "Students", changedRows=tracking["NextChangedRows"])
    assert same["Students"] == same["Students_deleted"] == []
    own.sandbox.advance(3)
    _renew(own)
    now = {row["Id"]: row for row in own.read(school, "Students")["Students"]}
    changed = own.read(school, "Students", changedRows=tracking["NextChangedRows"])
    assert changed["__changedRows__"][0]["PreviousChangedRows"] == tracking["NextChangedRows"]
    before = {row["Id"]: row for row in first["Students"]}
    gone = {row["Id"] for row in changed["Students_deleted"]}
    assert gone == before.keys() - now.keys()
    assert gone  # Year 6 has left
    rebuilt = {key: row for key, row in before.items() if key not in gone} | {
        row["Id"]: row for row in changed["Students"]
    }
    assert rebuilt == now
    hashes = {key: row["RowHash"] for key, row in before.items()}
    assert any(row["RowHash"] != hashes.get(row["Id"]) for row in changed["Students"])


def test_pages_of_changes_are_cut_after_the_difference(own: Groupcall) -> None:
    school = _school(own)
    following = own.read(school, "Students", changedRows="*", pageSize=5)["__changedRows__"][0]["NextChangedRows"]
    own.sandbox.advance(3)
    _renew(own)
    whole = own.read(school, "Students", changedRows=following)
    pages = own.pages(school, "Students", 10, changedRows=following)
    assert [row for page in pages for row in page["Students"]] == whole["Students"]
    assert pages[0]["__pagination__"][0]["RowCount"] == len(whole["Students"])
    assert pages[-1]["Students_deleted"] == whole["Students_deleted"]


def test_rows_without_a_hash_of_their_own_are_tracked(own: Groupcall) -> None:
    school = _school(own)
    week = {"DateFrom": "2025-07-14", "DateTo": "2025-07-25"}
    first = own.read(school, "AttendanceForDateRange", changedRows="*", **week)
    following = first["__changedRows__"][0]["NextChangedRows"]
    own.sandbox.advance(1)
    known = {row["Id"] for row in first["AttendMarks"]}
    changed = own.read(school, "AttendanceForDateRange", changedRows=following, **week)
    new = [row for row in changed["AttendMarks"] if row["Id"] not in known]
    assert {row["Date"] for row in new} == {"2025-07-21"}
    assert len(new) < len(known)


def test_a_lesson_of_the_cycle_changes_with_all_its_dates(own: Groupcall) -> None:
    school = _school(own)
    weeks = {"DateFrom": "2025-07-07", "DateTo": "2025-07-18"}
    first = own.read(school, "Timetable", "includeLessons", changedRows="*", **weeks)
    assert len({row["Id"] for row in first["Lessons"]}) < len(first["Lessons"])
    following = first["__changedRows__"][0]["NextChangedRows"]
    same = own.read(school, "Timetable", "includeLessons", changedRows=following, **weeks)
    assert same["Lessons"] == same["Lessons_deleted"] == []
    shorter = own.read(
        school, "Timetable", "includeLessons", changedRows=following, DateFrom="2025-07-07", DateTo="2025-07-11"
    )
    # The second week is gone: rows of the first come again, none counts as deleted.
    assert {row["StartDateTime"][:10] for row in shorter["Lessons"]} <= {f"2025-07-{day:02d}" for day in range(7, 12)}
    assert shorter["Lessons"]
    assert shorter["Lessons_deleted"] == []


def test_other_options_give_false_deletions(own: Groupcall) -> None:
    school = _school(own)
    first = own.read(school, "Students", "includeLeavers", changedRows="*")
    leavers = {row["Id"] for row in first["Students"] if row["StudentStatus"] == "Leaver"}
    assert leavers
    following = first["__changedRows__"][0]["NextChangedRows"]
    changed = own.read(school, "Students", changedRows=following)
    assert {row["Id"] for row in changed["Students_deleted"]} == leavers


def test_an_unknown_or_foreign_hash_is_an_exception(own: Groupcall) -> None:
    school = _school(own)
    assert "changedRows=*" in own.read(school, "Students", changedRows="bb22")["ExceptionMessage"]
    assert "changedRows=*" in own.read(school, "Students", changedRows="../journal")["ExceptionMessage"]
    following = own.read(school, "Staff", changedRows="*")["__changedRows__"][0]["NextChangedRows"]
    assert own.read(school, "Students", changedRows=following)["ExceptionMessage"]


def test_snapshots_outlive_a_restart(folder: Path, own: Groupcall) -> None:
    school = _school(own)
    following = own.read(school, "Groups", "includeStudentMembers", changedRows="*")["__changedRows__"][0][
        "NextChangedRows"
    ]
    with running(size=0.06, seed=SEED, directory=folder) as restarted:
        answer = Groupcall(restarted).read(school, "Groups", "includeStudentMembers", changedRows=following)
    assert answer["Group"] == answer["StudentMembers"] == []
