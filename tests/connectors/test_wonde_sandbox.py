"""The connector against the sandbox over HTTP: everything it serves is read, decoded and counted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from whole_readings import asked, key_of, read, schools

from orchestration.connectors.base import Page, School
from orchestration.connectors.errors import SchoolNotAvailable, ScopeNotGranted
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest.categories import CATEGORIES, Category
from sandbox.server import Sandbox, running

#: Where the truth about a stream's number of rows stands in the sandbox's counts.
TRUTH = {
    "students": "students",
    "students-leaver": "students-leaver",
    "classes": "classes",
    "groups": "groups",
    "employees": "employees",
    "results": "assessment/results",
    "session": "attendance/session",
    "session-leavers": "attendance-leavers/session",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(size=0.1) as started:
        yield started


def connector(sandbox: Sandbox) -> WondePartner:
    async def at_once(_: float) -> None:
        pass

    return WondePartner(WondeConfig(sandbox.url, sandbox.token, page_size=1000), sleep=at_once)


def approved(sandbox: Sandbox) -> list[School]:
    return [school for school in asked(schools(connector(sandbox))) if school.state == "approved"]


def test_the_lists_hold_schools_in_every_state(sandbox: Sandbox) -> None:
    states = Counter(school.state for school in asked(schools(connector(sandbox))))
    assert states["approved"] == 3
    assert set(states) == {"approved", "pending", "audited", "offline", "revoked", "declined"}


@pytest.mark.parametrize("category", list(Category))
def test_every_category_of_every_school_decodes_to_the_last_row(sandbox: Sandbox, category: Category) -> None:
    for school in approved(sandbox):
        reading = asked(read(connector(sandbox), school, category))
        truth = sandbox.control(f"truth/{school.partner_school_id}/counts")
        assert not reading.bad
        for stream in connector(sandbox).streams(category, "full"):
            if stream.name in TRUTH:
                rows = reading.rows[stream.name, stream.tables[0]]
                assert (stream.name, len(rows)) == (stream.name, truth[TRUTH[stream.name]])
        for table in CATEGORIES[category].tables:
            keys = Counter(key_of(table, row) for row in reading.table(table.name))
            assert not [key for key, times in keys.items() if times > 1], table.name
            assert all(len(row) == len(table.columns) for row in reading.table(table.name))


def test_marks_have_the_codes_that_the_school_gave(sandbox: Sandbox) -> None:
    for school in approved(sandbox):
        reading = asked(read(connector(sandbox), school, Category.ATTENDANCE))
        expected: Counter[str] = Counter()
        for part in sandbox.control(f"truth/{school.partner_school_id}/attendance"):
            expected.update(part["marks"])
        assert Counter(row[3] for row in reading.table("attendance_mark")) == expected
        truth = sandbox.control(f"truth/{school.partner_school_id}/counts")
        exclusions = reading.table("exclusion")
        assert len(exclusions) == truth["exclusions"]
        assert all(row[1] for row in exclusions), "each exclusion found its pupil, leavers included"


def test_a_walk_taken_up_again_brings_the_rest(sandbox: Sandbox) -> None:
    school, partner = approved(sandbox)[0], connector(sandbox)
    stream = next(stream for stream in partner.streams(Category.ATTENDANCE, "full") if stream.name == "session")

    async def walk(**options: Any) -> list[Page]:
        async with partner:
            return [page async for page in partner.pages(school, stream, updated_after=None, **options)]

    whole = asked(walk())
    assert len(whole) > 3
    assert asked(walk(resume_from=whole[1].next_url, first_number=3)) == whole[2:]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": "3"},
        {"kind": "status", "status": 500},
        {"kind": "hang_up"},
        {"kind": "truncate"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_passing_faults_change_nothing(sandbox: Sandbox, fault: dict[str, Any]) -> None:
    school = approved(sandbox)[0]
    undisturbed = asked(read(connector(sandbox), school, Category.BASIC))
    sandbox.control(
        "faults", {"faults": [{**fault, "path": f"schools/{school.partner_school_id}/students", "times": 3}]}
    )
    assert asked(read(connector(sandbox), school, Category.BASIC)) == undisturbed


def test_a_damaged_row_is_set_aside_with_its_bytes(sandbox: Sandbox) -> None:
    school = approved(sandbox)[0]
    undisturbed = asked(read(connector(sandbox), school, Category.BASIC))
    damage = {"kind": "corrupt", "school": school.partner_school_id, "endpoint": "students", "rows": [2]}
    sandbox.control("faults", {"faults": [{**damage, "field": "date_of_birth", "value": "31/02/2014"}]})
    damaged = asked(read(connector(sandbox), school, Category.BASIC))
    sandbox.control("faults", {"faults": []})
    (bad,) = damaged.bad
    assert bad.reason == "date_of_birth: '31/02/2014' is not a date"
    assert json.loads(bad.payload)["id"] == undisturbed.rows["students", "pupil"][2][0]
    assert len(damaged.table("pupil")) == len(undisturbed.table("pupil")) - 1


def test_scopes_that_are_switched_off(sandbox: Sandbox) -> None:
    school = approved(sandbox)[0]

    def switch(scope: str, granted: bool) -> None:
        sandbox.control(f"school/{school.partner_school_id}/scope", {"scope": scope, "granted": granted})

    async def scopes() -> dict[str, bool]:
        async with connector(sandbox) as partner:
            return {scope.name: scope.granted for scope in await partner.scopes(school)}

    assert all(asked(scopes()).values())
    switch("attendance.read", False)
    switch("students.sen.read", False)
    assert [name for name, granted in asked(scopes()).items() if not granted] == [
        "attendance.read",
        "students.sen.read",
    ]
    with pytest.raises(ScopeNotGranted, match=r"attendance\.read"):
        asked(read(connector(sandbox), school, Category.ATTENDANCE))
    census = asked(read(connector(sandbox), school, Category.DEMOGRAPHICS))
    assert not census.bad
    assert census.incomplete == {"pupil_sen_need", "pupil_status_period"}
    switch("attendance.read", True)
    switch("students.sen.read", True)


def test_includes_that_an_mis_lacks_are_left_out_and_reported(sandbox: Sandbox) -> None:
    partner = connector(sandbox)
    readings = {school: asked(read(partner, school, Category.DEMOGRAPHICS)) for school in approved(sandbox)}
    assert not [bad for reading in readings.values() for bad in reading.bad]
    noticed = {school.mis: partner.notices(school) for school in readings}
    assert any("in_care_date_ranges" in notice for notices in noticed.values() for notice in notices)
    for school, reading in readings.items():
        assert ("pupil_status_period" in reading.incomplete) == bool(partner.notices(school))


def test_an_incremental_read_brings_what_the_next_day_changed(sandbox: Sandbox) -> None:
    school = approved(sandbox)[0]
    before = asked(read(connector(sandbox), school, Category.ATTENDANCE))
    watermark = before.pages[0].as_at
    sandbox.advance()
    changes = asked(read(connector(sandbox), school, Category.ATTENDANCE, updated_after=watermark))
    after = asked(read(connector(sandbox), school, Category.ATTENDANCE))
    assert not changes.bad
    assert 0 < len(changes.table("attendance_mark")) < len(before.table("attendance_mark")) / 10
    assert changes.pages[0].as_at - watermark >= timedelta(days=1)
    # Old rows overlaid with the changes are the new whole.
    merged = {row[:3]: row for reading in (before, changes) for row in reading.table("attendance_mark")}
    assert set(merged.values()) == set(after.table("attendance_mark"))


def test_a_school_that_revokes_is_not_available(sandbox: Sandbox) -> None:
    school = approved(sandbox)[-1]
    sandbox.control(f"school/{school.partner_school_id}/state", {"state": "revoked"})
    listed = {found.partner_school_id: found.state for found in asked(schools(connector(sandbox)))}
    assert listed[school.partner_school_id] == "revoked"
    with pytest.raises(SchoolNotAvailable):
        asked(read(connector(sandbox), school, Category.BASIC))
    sandbox.control(f"school/{school.partner_school_id}/state", {"state": "approved"})
