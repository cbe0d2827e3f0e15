"""The connector against the sandbox over HTTP: what it brings of a school is what Wonde's brings of the same school."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from whole_readings import Reading, asked, key_of, read, schools

from orchestration.connectors.base import Row, School
from orchestration.connectors.errors import SchoolNotAvailable, ScopeNotGranted
from orchestration.connectors.groupcall import scopes
from orchestration.connectors.groupcall.client import GroupcallConfig, GroupcallPartner
from orchestration.connectors.groupcall.secrets import SchoolSecret
from orchestration.connectors.wonde.client import WondeConfig, WondePartner
from orchestration.ingest.categories import CATEGORIES, Category
from sandbox.server import DEFAULT_TODAY, Sandbox, running

#: What a partner makes up itself, and so differs: ids of records that stand for nothing in the school, and the time at
#: which the partner saw a change. Ids that link rows are compared as what they stand for (``_Crosswalk``).
PARTNERS_OWN = {
    "upi", "source_updated_at", "code_id", "mark_id", "exclusion_id", "result_id", "need_id", "period_id", "role_id",
}  # fmt: skip

#: What XoD does not have (source_apis.md 2): null there.
NOT_IN_XOD = {
    ("pupil", "part_time"),
    ("subject", "active"),
    ("teaching_group", "nc_year"),
    ("teaching_group", "academic_year"),  # of registration groups neither has it; of classes see below
    ("result_set", "start_date"),
    ("result_set", "end_date"),
    ("staff_role", "role_code"),
}  # fmt: skip

#: What both have in words of their own: XoD says nothing of the proficiency of who speaks English, Wonde that it does
#: not apply; one MIS gives Wonde descriptions where it gives XoD codes.
IN_OTHER_WORDS = {
    ("pupil_demographics", "eal_status"),
}
DESCRIBED_TO_WONDE = {
    ("pupil_demographics", "ethnicity"),
    ("pupil_demographics", "first_language"),
    ("pupil_demographics", "home_language"),
    ("pupil_demographics", "sen_status"),
    ("pupil_demographics", "enrolment_status"),
    ("pupil_status_period", "code"),
}
DESCRIBING_MIS = "Arbor"

#: XoD's leavers left in this academic year or the one before; its marks are of this one.
YEAR_START = date(2024, 9, 1)
LEAVERS_SINCE = date(2023, 9, 1)

PHASES = ("primary", "secondary", "all-through")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(size=0.1) as started:
        yield started


async def at_once(_: float) -> None:
    pass


def groupcall(sandbox: Sandbox, **options: Any) -> GroupcallPartner:
    def secrets() -> list[SchoolSecret]:
        received = datetime(2024, 9, 1, tzinfo=UTC)
        return [
            SchoolSecret(estab, f"School {estab}", secret, (), received)
            for estab, secret in sandbox.groupcall_secrets().items()
        ]

    config = GroupcallConfig(
        sandbox.groupcall_url,
        sandbox.groupcall_url.replace("api/v1/", "api/oauth/GetToken"),
        sandbox.groupcall_relying_party,
        secrets,
        **options,
    )
    return GroupcallPartner(config, sleep=at_once)


def wonde(sandbox: Sandbox) -> WondePartner:
    return WondePartner(WondeConfig(sandbox.url, sandbox.token, page_size=1000), sleep=at_once)


class Pair(NamedTuple):
    """One school as each partner lists it."""

    wonde: School
    groupcall: School


@pytest.fixture(scope="module")
def pairs(sandbox: Sandbox) -> list[Pair]:
    """The approved schools: a primary, a secondary and an all-through."""
    by_estab = {school.partner_school_id: school for school in asked(schools(groupcall(sandbox)))}
    return [
        Pair(school, by_estab[f"{school.la_code}{school.establishment_number}"])
        for school in asked(schools(wonde(sandbox)))
        if school.state == "approved"
    ]


def named(category: Category, table: str, rows: list[Row]) -> list[dict[str, Any]]:
    columns = next(declared.columns for declared in CATEGORIES[category].tables if declared.name == table)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_every_school_is_listed_in_the_state_it_has_with_wonde(sandbox: Sandbox) -> None:
    ours = {f"{s.la_code}{s.establishment_number}": s for s in asked(schools(wonde(sandbox)))}
    theirs = {s.partner_school_id: s for s in asked(schools(groupcall(sandbox)))}
    # What Wonde calls audited is not finished either; a school that declined is one whose secret is worth nothing.
    as_xod = {"audited": "pending", "declined": "revoked"}
    assert {estab: school.state for estab, school in theirs.items()} == {
        estab: as_xod.get(school.state, school.state) for estab, school in ours.items()
    }
    for estab, school in theirs.items():
        if ours[estab].state == "approved":
            assert (school.name, school.phase and school.phase.upper()) == (ours[estab].name, _phase(ours[estab]))
            assert (school.la_code, school.establishment_number) == (estab[:3], estab[3:])
            assert school.mis is not None


def _phase(school: School) -> str:
    return (school.phase or "").replace(" ", "-").upper()


# --- the same rows ---------------------------------------------------------------------------------------------------


#: Minutes late come by days, of pupils on roll alone (2.7).
LEAVERS_LACK = {"minutes_late": None, "comment": None}


class _Crosswalk:
    """What one partner's ids stand for, so that two partners' rows can be laid side by side."""

    def __init__(self, readings: dict[Category, Reading]) -> None:
        def rows(category: Category, table: str) -> list[dict[str, Any]]:
            return named(category, table, readings[category].table(table))

        pupils = rows(Category.BASIC, "pupil")
        self.enrolments = {
            pupil["pupil_id"]: (pupil["person_id"], pupil["admission_date"], pupil["leaving_date"]) for pupil in pupils
        }
        self.on_roll = {pupil["pupil_id"] for pupil in pupils if not pupil["is_leaver"]}
        self.peopled = {row["group_id"] for row in rows(Category.TIMETABLE, "group_pupil")}
        self.taught = {
            row["subject_id"] for row in rows(Category.TIMETABLE, "teaching_group") if row["group_id"] in self.peopled
        }
        self.stands_for: dict[str, dict[str, Any]] = {
            "pupil_id": self.enrolments,
            "subject_id": {row["subject_id"]: row["code"] for row in rows(Category.TIMETABLE, "subject")},
            "group_id": {
                row["group_id"]: (row["kind"], row["code"]) for row in rows(Category.TIMETABLE, "teaching_group")
            },
            "staff_id": {row["staff_id"]: row["mis_id"] for row in rows(Category.STAFF, "staff")},
            "aspect_id": {row["aspect_id"]: row["name"] for row in rows(Category.ASSESSMENT, "aspect")},
            "result_set_id": {row["result_set_id"]: row["name"] for row in rows(Category.ASSESSMENT, "result_set")},
        }

    def comparable(self, table: str, row: dict[str, Any], without: set[tuple[str, str]]) -> tuple[Any, ...]:
        if table == "attendance_mark" and row["pupil_id"] not in self.on_roll:
            row = row | LEAVERS_LACK
        return tuple(
            (column, repr(self.stands_for.get(column, {}).get(value, value)))
            for column, value in row.items()
            if column not in PARTNERS_OWN and (table, column) not in without
        )


def _recent(crosswalk: _Crosswalk, row: dict[str, Any]) -> bool:
    left = crosswalk.enrolments[row["pupil_id"]][2]
    return left is None or left >= LEAVERS_SINCE


def _of_pupil_on_roll(crosswalk: _Crosswalk, row: dict[str, Any]) -> bool:
    return row["pupil_id"] in crosswalk.on_roll


#: What Wonde has beyond what XoD shows, by table; a table that is not named has none.
XOD_SHOWS: dict[str, Callable[[_Crosswalk, dict[str, Any]], bool]] = {
    "pupil": _recent,
    "pupil_demographics": _recent,
    # The sandbox's reading of 2.4: SEN and entitlements have no option for leavers.
    "pupil_sen_need": _of_pupil_on_roll,
    "pupil_status_period": lambda crosswalk, row: row["kind"] != "in_care" and _of_pupil_on_roll(crosswalk, row),
    "attendance_mark": lambda crosswalk, row: row["mark_date"] >= YEAR_START and _recent(crosswalk, row),
    "exclusion": _recent,
    "result": _recent,
    # Only groups with a member are listed (2.5), and only the subjects that those are taught.
    "teaching_group": lambda crosswalk, row: row["group_id"] in crosswalk.peopled,
    "group_staff": lambda crosswalk, row: row["group_id"] in crosswalk.peopled,
    "subject": lambda crosswalk, row: row["subject_id"] in crosswalk.taught,
}


@pytest.fixture(scope="module")
def readings(sandbox: Sandbox, pairs: list[Pair]) -> list[tuple[dict[Category, Reading], dict[Category, Reading]]]:
    return [
        (
            {category: asked(read(wonde(sandbox), pair.wonde, category)) for category in Category},
            {category: asked(read(groupcall(sandbox), pair.groupcall, category)) for category in Category},
        )
        for pair in pairs
    ]


@pytest.mark.parametrize("place", range(3), ids=PHASES)
@pytest.mark.parametrize(
    ("category", "table"),
    [(category, table.name) for category, spec in CATEGORIES.items() for table in spec.tables],
    ids=str,
)
def test_both_partners_give_the_same_rows(
    readings: list[tuple[dict[Category, Reading], dict[Category, Reading]]],
    pairs: list[Pair],
    category: Category,
    table: str,
    place: int,
) -> None:
    ours, theirs = readings[place]
    assert not theirs[category].bad
    assert theirs[category].incomplete == frozenset()
    without = NOT_IN_XOD | IN_OTHER_WORDS
    if pairs[place].wonde.mis == DESCRIBING_MIS:
        without |= DESCRIBED_TO_WONDE
    shown, here, there = XOD_SHOWS.get(table), _Crosswalk(ours), _Crosswalk(theirs)
    expected = Counter(
        here.comparable(table, row, without)
        for row in named(category, table, ours[category].table(table))
        if shown is None or shown(here, row)
    )
    found = Counter(
        there.comparable(table, row, without) for row in named(category, table, theirs[category].table(table))
    )
    assert (sorted((expected - found).items())[:3], sorted((found - expected).items())[:3]) == ([], [])
    if place == 2:
        assert found, "the largest of the three has something in every table"


@pytest.mark.parametrize("category", list(Category))
def test_keys_are_unique_and_what_xod_does_not_have_is_null(
    readings: list[tuple[dict[Category, Reading], dict[Category, Reading]]], category: Category
) -> None:
    for _, theirs in readings:
        for table in CATEGORIES[category].tables:
            rows = named(category, table.name, theirs[category].table(table.name))
            keys = Counter(tuple(row[column] for column in table.key) for row in rows)
            assert not [key for key, times in keys.items() if times > 1], table.name
            for column in table.columns:
                if (table.name, column) in NOT_IN_XOD and column != "academic_year":
                    assert {row[column] for row in rows} <= {None}


def test_classes_are_of_the_academic_year_of_their_data(
    readings: list[tuple[dict[Category, Reading], dict[Category, Reading]]],
) -> None:
    for ours, theirs in readings:
        years = [
            {(row["kind"], row["academic_year"]) for row in named(Category.TIMETABLE, "teaching_group", rows)}
            for rows in (found[Category.TIMETABLE].table("teaching_group") for found in (ours, theirs))
        ]
        assert years[0] == years[1]


def test_a_person_who_came_back_is_one_person_with_either_partner(
    readings: list[tuple[dict[Category, Reading], dict[Category, Reading]]],
) -> None:
    returned = 0
    for ours, theirs in readings:
        people = [
            Counter(row["person_id"] for row in named(Category.BASIC, "pupil", found[Category.BASIC].table("pupil")))
            for found in (ours, theirs)
        ]
        assert people[0].keys() >= people[1].keys()
        returned += sum(times > 1 for times in people[1].values())
    assert returned


# --- reading on ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "days"),
    [(date(2025, 3, 3), 10), (DEFAULT_TODAY, 6)],
    ids=["two weeks in March", "the summer, in which leavers leave and newcomers come"],
)
def test_changes_overlaid_on_what_was_read_are_what_is_there_now(today: date, days: int) -> None:
    tracked = {
        Category.BASIC: ["pupil"],
        Category.DEMOGRAPHICS: ["pupil_demographics", "pupil_sen_need"],
        Category.ATTENDANCE: ["exclusion"],
        Category.STAFF: ["staff"],
    }
    with running(size=0.3, today=today) as sandbox:
        school = next(s for s in asked(schools(groupcall(sandbox))) if s.phase == "Secondary")
        partner = groupcall(sandbox)
        before = {category: asked(read(partner, school, category)) for category in tracked}
        as_at = before[Category.BASIC].pages[0].as_at
        assert as_at.date() == today
        sandbox.advance(days)
        sizes = {}
        for category, tables in tracked.items():
            cursors = before[category].cursors
            changes = asked(read(partner, school, category, cursors=cursors, updated_after=as_at))
            now = asked(read(groupcall(sandbox), school, category))
            assert partner.notices(school) == ()
            for table in tables:
                spec = next(spec for spec in CATEGORIES[category].tables if spec.name == table)
                held = {key_of(spec, row): row for row in before[category].table(table)}
                for gone in changes.gone:
                    if gone.table == table:
                        place = spec.columns.index(gone.column)
                        held = {key: row for key, row in held.items() if row[place] not in gone.ids}
                held |= {key_of(spec, row): row for row in changes.table(table)}
                assert Counter(held.values()) == Counter(now.table(table)), table
                sizes[table] = (len(changes.table(table)), len(now.table(table)))
        if days == 10:
            assert 0 < sizes["pupil"][0] < sizes["pupil"][1] / 4
            assert 0 < sizes["exclusion"][0] < sizes["exclusion"][1]


def test_an_incremental_reading_brings_the_marks_that_were_amended() -> None:
    with running(size=0.1, today=date(2025, 6, 13)) as sandbox:
        school = next(s for s in asked(schools(groupcall(sandbox))) if s.state == "approved")
        before = asked(read(groupcall(sandbox), school, Category.ATTENDANCE))
        sandbox.advance(days=3)
        changes = asked(
            read(groupcall(sandbox), school, Category.ATTENDANCE, updated_after=before.pages[0].as_at, cursors={})
        )
        after = asked(read(groupcall(sandbox), school, Category.ATTENDANCE))
        held = {row[:3]: row for reading in (before, changes) for row in reading.table("attendance_mark")}
        assert Counter(held.values()) == Counter(after.table("attendance_mark"))
        assert 0 < len(changes.table("attendance_mark")) < len(before.table("attendance_mark")) / 4
        # Marks of three days before have become others.
        old = {row[:3]: row[3] for row in before.table("attendance_mark")}
        assert any(old[row[:3]] != row[3] for row in changes.table("attendance_mark") if row[:3] in old)


def test_a_cursor_that_the_sandbox_does_not_know_is_begun_again(sandbox: Sandbox, pairs: list[Pair]) -> None:
    school, partner = pairs[0].groupcall, groupcall(sandbox)
    whole = asked(read(partner, school, Category.BASIC))
    again = asked(read(partner, school, Category.BASIC, cursors={"students": "0123456789abcdef"}))
    assert again.table("pupil") == whole.table("pupil")
    assert again.cursors == whole.cursors
    assert "students: the partner has lost track" in partner.notices(school)[0]


def test_a_walk_taken_up_again_brings_the_rest(sandbox: Sandbox, pairs: list[Pair]) -> None:
    school, partner = pairs[1].groupcall, groupcall(sandbox, page_size=300)
    for category, name in (
        (Category.BASIC, "students"),
        (Category.ATTENDANCE, "marks"),
        (Category.ASSESSMENT, "results"),
    ):
        stream = next(stream for stream in partner.streams(category, "full") if stream.name == name)

        async def walk(stream: Any = stream, **options: Any) -> list[Any]:
            async with partner:
                return [page async for page in partner.pages(school, stream, updated_after=None, **options)]

        whole = asked(walk())
        for held in {1, len(whole) // 2, len(whole) - 1} - {0, len(whole)}:
            rest = asked(walk(resume_from=whole[held - 1].next_url, first_number=held + 1))
            assert [(page.number, page.next_url, page.cursor) for page in rest] == [
                (page.number, page.next_url, page.cursor) for page in whole[held:]
            ]
            assert rest[0].body == whole[held].body
        if name in ("marks", "results"):
            assert len(whole) > 3


def test_small_pages_bring_the_same_rows(sandbox: Sandbox, pairs: list[Pair]) -> None:
    school = pairs[2].groupcall
    for category in (Category.BASIC, Category.STAFF, Category.ASSESSMENT):
        whole = asked(read(groupcall(sandbox), school, category))
        small = asked(read(groupcall(sandbox, page_size=7), school, category))
        assert len(small.pages) > len(whole.pages)
        for table in CATEGORIES[category].tables:
            assert Counter(small.table(table.name)) == Counter(whole.table(table.name)), table.name
        assert (small.bad, small.incomplete) == ([], frozenset())


# --- scopes, states, faults ------------------------------------------------------------------------------------------


def test_no_national_insurance_number_is_in_any_page(sandbox: Sandbox, pairs: list[Pair]) -> None:
    reading = asked(read(groupcall(sandbox), pairs[2].groupcall, Category.STAFF))
    assert reading.table("staff")
    assert not [page for page in reading.pages if b"NINumber" in page.body or b"QQ0" in page.body]


def test_special_category_columns_are_in_the_pages_of_their_own_category_alone(
    sandbox: Sandbox, pairs: list[Pair]
) -> None:
    basic = asked(read(groupcall(sandbox), pairs[0].groupcall, Category.BASIC))
    census = asked(read(groupcall(sandbox), pairs[0].groupcall, Category.DEMOGRAPHICS))
    assert not [page for page in basic.pages if b"Ethnicity" in page.body or b"SENProvision" in page.body]
    assert not [page for page in census.pages if b"Surname" in page.body or b"UPN" in page.body]


def test_every_scope_that_is_asked_for_is_one_of_the_partners(sandbox: Sandbox, pairs: list[Pair]) -> None:
    async def granted() -> dict[str, bool]:
        async with groupcall(sandbox) as partner:
            return {scope.name: scope.granted for scope in await partner.scopes(pairs[0].groupcall)}

    assert tuple(asked(granted())) == scopes.NAMES
    assert all(asked(granted()).values())


def test_scopes_that_are_switched_off() -> None:
    with running(size=0.1) as sandbox:
        ours = next(s for s in asked(schools(wonde(sandbox))) if s.state == "approved")
        school = next(
            s
            for s in asked(schools(groupcall(sandbox)))
            if s.partner_school_id == f"{ours.la_code}{ours.establishment_number}"
        )

        def switch_off(scope: str) -> None:
            sandbox.control(f"school/{ours.partner_school_id}/scope", {"scope": scope, "granted": False})

        for scope in ("UPN", "SENTypes", "StudentHistory", "Attendance", "StaffContractual"):
            switch_off(scope)

        async def denied() -> set[str]:
            async with groupcall(sandbox) as partner:
                return {scope.name for scope in await partner.scopes(school) if not scope.granted}

        assert asked(denied()) == {"UPN", "SENTypes", "StudentHistory", "Attendance", "StaffContractual"}
        basic = named(Category.BASIC, "pupil", asked(read(groupcall(sandbox), school, Category.BASIC)).table("pupil"))
        assert {row["upn"] for row in basic} == {None}
        assert all(row["date_of_birth"] for row in basic)
        with pytest.raises(ScopeNotGranted, match="Attendance"):
            asked(read(groupcall(sandbox), school, Category.ATTENDANCE))
        with pytest.raises(ScopeNotGranted, match="StudentHistory"):
            asked(read(groupcall(sandbox), school, Category.DEMOGRAPHICS))

        async def sen() -> frozenset[str]:
            partner = groupcall(sandbox)
            stream = next(s for s in partner.streams(Category.DEMOGRAPHICS, "full") if s.name == "sen")
            decoder = partner.decoder(Category.DEMOGRAPHICS)
            async with partner:
                async for page in partner.pages(school, stream, updated_after=None):
                    decoder.decode(page.endpoint, page.body)
            return decoder.incomplete

        assert asked(sen()) == {"pupil_sen_need"}


def test_a_school_that_revokes_or_pauses_is_not_available() -> None:
    with running(size=0.1) as sandbox:
        ours = next(s for s in asked(schools(wonde(sandbox))) if s.state == "approved")
        estab = f"{ours.la_code}{ours.establishment_number}"
        partner = groupcall(sandbox)

        async def while_in_use(state: str) -> None:
            async with partner:
                (school,) = [s for s in await partner.schools() if s.partner_school_id == estab]
                sandbox.control(f"school/{ours.partner_school_id}/state", {"state": state})
                stream = partner.streams(Category.BASIC, "full")[0]
                with pytest.raises(SchoolNotAvailable):
                    _ = [page async for page in partner.pages(school, stream, updated_after=None)]

        for state, listed_as in (("revoked", "revoked"), ("pending", "pending")):
            asked(while_in_use(state))
            listed = {s.partner_school_id: s.state for s in asked(schools(partner))}
            assert listed[estab] == listed_as
            sandbox.control(f"school/{ours.partner_school_id}/state", {"state": "approved"})


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 429, "retry_after": "3"},
        {"kind": "status", "status": 500},
        {"kind": "hang_up"},
        {"kind": "truncate"},
        {"kind": "reset"},
        {"kind": "reset", "after": 100},
        {"kind": "drip", "bytes": 4000, "seconds": 0.01},
        {"kind": "invalid_json"},
        {"kind": "content_type"},
        {"kind": "empty"},
        {"kind": "exception"},
        {"kind": "repeat_page"},
        {"kind": "skip_page"},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
@pytest.mark.parametrize("path", ["School/{estab}/Students", "api/oauth/GetToken"])
def test_passing_faults_change_nothing(sandbox: Sandbox, pairs: list[Pair], fault: dict[str, Any], path: str) -> None:
    school = pairs[0].groupcall
    partner = groupcall(sandbox, page_size=20)
    undisturbed = asked(read(partner, school, Category.BASIC))
    where = path.format(estab=school.partner_school_id)
    sandbox.control("faults", {"faults": [{**fault, "path": where, "times": 2}]})
    assert asked(read(partner, school, Category.BASIC)) == undisturbed
    sandbox.control("faults", {"faults": []})


@pytest.mark.parametrize(
    ("fault", "set_aside"),
    [
        ({"kind": "absurd_dates", "rows": list(range(20))}, True),
        ({"kind": "control_characters", "rows": [1], "field": "Surname"}, True),
        ({"kind": "nulls", "rows": [1]}, False),
        ({"kind": "huge", "rows": [1], "field": "Surname", "bytes": 1_000_000}, False),
        ({"kind": "corrupt", "rows": [1], "field": "Id"}, True),
        ({"kind": "corrupt", "rows": [1, 2], "field": "StudentStatus", "value": "Elsewhere"}, True),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_damaged_rows_are_read_or_set_aside_and_none_is_lost(
    sandbox: Sandbox, pairs: list[Pair], fault: dict[str, Any], set_aside: bool
) -> None:
    school, theirs = pairs[0]
    undisturbed = asked(read(groupcall(sandbox), theirs, Category.BASIC)).table("pupil")
    where = {"school": school.partner_school_id, "endpoint": "Students"}
    sandbox.control("faults", {"faults": [{**fault, **where}]})
    damaged = asked(read(groupcall(sandbox), theirs, Category.BASIC))
    sandbox.control("faults", {"faults": []})
    assert len(damaged.table("pupil")) + len(damaged.bad) == len(undisturbed)
    assert bool(damaged.bad) is set_aside
    untouched = {row[0] for place, row in enumerate(undisturbed) if place not in fault["rows"]}
    assert untouched <= {row[0] for row in damaged.table("pupil")}


def test_awkward_names_are_the_same_with_either_partner() -> None:
    with running(size=0.1) as sandbox:
        (ours,) = [s for s in asked(schools(wonde(sandbox))) if s.state == "approved"][:1]
        sandbox.control("faults", {"faults": [{"kind": "unicode", "school": ours.partner_school_id}]})
        estab = f"{ours.la_code}{ours.establishment_number}"
        (theirs,) = [s for s in asked(schools(groupcall(sandbox))) if s.partner_school_id == estab]
        columns = ("person_id", "forename", "middle_names", "surname", "legal_forename", "legal_surname")
        found = [
            {
                tuple(row[column] for column in columns)
                for row in named(Category.BASIC, "pupil", reading.table("pupil"))
                if not row["is_leaver"]
            }
            for reading in (
                asked(read(wonde(sandbox), ours, Category.BASIC)),
                asked(read(groupcall(sandbox), theirs, Category.BASIC)),
            )
        ]
        assert found[0] == found[1]
        assert any(not name.isascii() for row in found[0] for name in row if name)


def test_a_damaged_row_is_set_aside_with_its_bytes(sandbox: Sandbox, pairs: list[Pair]) -> None:
    school, theirs = pairs[0]
    undisturbed = asked(read(groupcall(sandbox), theirs, Category.BASIC))
    damage = {"kind": "corrupt", "school": school.partner_school_id, "endpoint": "Students", "rows": [2]}
    sandbox.control("faults", {"faults": [{**damage, "field": "DateofBirth", "value": "31/02/2014"}]})
    damaged = asked(read(groupcall(sandbox), theirs, Category.BASIC))
    sandbox.control("faults", {"faults": []})
    (bad,) = damaged.bad
    assert bad.reason == "DateofBirth: '31/02/2014' is not a date"
    assert json.loads(bad.payload)["Id"] == undisturbed.table("pupil")[2][0]
    assert len(damaged.table("pupil")) == len(undisturbed.table("pupil")) - 1


def test_the_time_of_the_data_is_that_of_the_partners_cache(sandbox: Sandbox, pairs: list[Pair]) -> None:
    school, theirs = pairs[0]
    fresh = asked(read(groupcall(sandbox), theirs, Category.STAFF)).pages[0].as_at
    sandbox.control("groupcall/cache", {"school": school.partner_school_id, "minutes": 90})
    old = asked(read(groupcall(sandbox), theirs, Category.STAFF)).pages[0].as_at
    sandbox.control("groupcall/cache", {"school": school.partner_school_id, "minutes": 0})
    assert fresh - old == timedelta(minutes=90)
