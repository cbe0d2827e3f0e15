"""Every rule on arriving rows, shown on the row that breaks it: what Great Expectations counts is quarantined."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from arriving_rows import AS_AT, BATCH, RAW, Case
from quality_tables import PROFILE_COLUMNS, create, insert, raw_columns, suite

from orchestration.ingest.categories import CATEGORIES
from orchestration.quality.gate import run_gate
from orchestration.quality.quarantine_split import quarantine_sql, split_bad_rows
from orchestration.quality.suites import Suite

BAD_ROWS = "landing.bad_rows"
BAD_COLUMNS = {
    "school_id": "integer",
    "row_key": "jsonb",
    "rules": "text[]",
    "messages": "text[]",
    "payload": "jsonb",
}


def numbered(case: Case) -> dict[str, dict[str, Any]]:
    """The good row as school 0, the row that breaks the n-th rule as school n: so a key tells which row it was."""
    rows = {"good": {"school_id": 0, **case.good}}
    for number, (rule_id, changes) in enumerate(case.bad.items(), 1):
        rows[rule_id] = {**case.good, **changes, "school_id": number}
    return rows


def landed(
    conn: psycopg.Connection[Any], case: Case, relation: str, columns: dict[str, str]
) -> dict[str, dict[str, Any]]:
    create(conn, relation, columns)
    create(conn, BAD_ROWS, BAD_COLUMNS)
    rows = numbered(case)
    insert(conn, relation, rows.values())
    return rows


def check_parity(conn: psycopg.Connection[Any], engine: sa.Engine, rules: Suite, case: Case, relation: str) -> None:
    rows = numbered(case)
    school = {rule_id: row["school_id"] for rule_id, row in rows.items()}

    gate = run_gate(engine, rules, relation=relation, as_at=AS_AT)
    found = {r.rule_id: (r.outcome, r.rows_failed, [e["school_id"] for e in r.examples]) for r in gate.results}
    assert found == {rule_id: ("failed", 1, [school[rule_id]]) for rule_id in case.bad}
    assert {r.rows_checked for r in gate.results} == {len(rows)}

    critical = {school[rule.rule_id]: rule for rule, _ in rules.row_rules("critical")}
    moved = split_bad_rows(conn, rules, relation, into=BAD_ROWS, as_at=AS_AT)
    assert moved == dict.fromkeys(critical, 1)
    quarantined = conn.execute(f"select school_id, rules, messages from {BAD_ROWS}").fetchall()
    assert {row[0]: (row[1], row[2]) for row in quarantined} == {
        number: ([rule.rule_id], [rule.message]) for number, rule in critical.items()
    }

    left = {number for (number,) in conn.execute(f"select school_id from {relation}")}
    assert left == set(school.values()) - set(critical)
    again = run_gate(engine, rules, relation=relation, as_at=AS_AT)
    assert not again.blocks
    assert not split_bad_rows(conn, rules, relation, into=BAD_ROWS, as_at=AS_AT)


def test_every_raw_table_has_a_suite_and_a_case() -> None:
    tables = {table.name for spec in CATEGORIES.values() for table in spec.all_tables}
    assert set(RAW) == tables
    for table in tables:
        assert set(RAW[table].bad) == {rule.rule_id for rule in suite(f"raw/{table}").rules}


@pytest.mark.parametrize("table", RAW)
def test_each_rule_counts_and_quarantines_the_row_that_breaks_it(
    conn: psycopg.Connection[Any], engine: sa.Engine, table: str
) -> None:
    rules, relation = suite(f"raw/{table}"), f"landing.{table}"
    landed(conn, RAW[table], relation, raw_columns(table))
    check_parity(conn, engine, rules, RAW[table], relation)


def test_each_batch_rule_holds_the_school_that_breaks_it(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    rules = suite("batch/school_batch")
    assert set(BATCH.bad) == {rule.rule_id for rule in rules.rules}
    landed(conn, BATCH, rules.relation, PROFILE_COLUMNS)
    check_parity(conn, engine, rules, BATCH, rules.relation)


def test_a_school_may_lose_its_last_exclusions(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    rules = suite("batch/school_batch")
    create(conn, rules.relation, PROFILE_COLUMNS)
    empty = BATCH.good | {"mode": "full", "rows_landed": 0, "rows_quarantined": 0, "rows_in_raw": 19}
    insert(conn, rules.relation, [{**empty, "school_id": 1, "table_name": "exclusion"}])
    assert not run_gate(engine, rules, as_at=AS_AT).blocks


def test_a_school_with_codes_of_its_own_may_use_them(conn: psycopg.Connection[Any], engine: sa.Engine) -> None:
    conn.execute(
        "insert into ops.school (school_id, partner, partner_school_id, name, state, has_custom_codes)"
        " overriding system value values (901, 'wonde', 'A901', 'Own codes', 'approved', true),"
        " (902, 'wonde', 'A902', 'Standard codes', 'approved', false)"
    )
    create(conn, "landing.marks", raw_columns("attendance_mark"))
    mark = RAW["attendance_mark"].good | {"code": "ZZ", "minutes_late": None}
    insert(conn, "landing.marks", [{**mark, "school_id": school} for school in (901, 902)])
    query = quarantine_sql(suite("raw/attendance_mark"), "landing.marks", as_at=AS_AT)
    assert [(school, rules) for school, _, rules, *_ in conn.execute(query.encode())] == [(902, ["ATT-005"])]


@pytest.mark.parametrize(
    ("upn", "broken"),
    [
        ("L823999921001", []),  # the worked example and the vectors of source_apis.md 4.8
        ("P207000016049", []),
        ("Z330123419007", []),
        ("Z873214524012", []),
        ("X82399992100A", ["PUP-010"]),
        ("Q207000016049", ["PUP-009"]),  # a supplier's help page gives this letter; its sum is wrong
        ("Y82399992100A", ["PUP-009", "PUP-010"]),
        ("I823999921001", ["PUP-008"]),  # I, O and S are no letters of a UPN
        ("L8239999210012", ["PUP-008"]),
        ("L82399992100I", ["PUP-008"]),
        ("L82399A921001", ["PUP-008"]),
        ("", ["PUP-008"]),
    ],
)
def test_the_check_letter_of_a_upn(
    conn: psycopg.Connection[Any], engine: sa.Engine, upn: str, broken: list[str]
) -> None:
    create(conn, "landing.upns", raw_columns("pupil"))
    insert(conn, "landing.upns", [{"school_id": 1, **RAW["pupil"].good, "upn": upn}])
    gate = run_gate(engine, suite("raw/pupil"), relation="landing.upns", as_at=AS_AT)
    assert [result.rule_id for result in gate.results if result.outcome != "passed"] == broken


def test_a_row_is_quarantined_once_with_every_rule_it_breaks_and_all_it_held(conn: psycopg.Connection[Any]) -> None:
    rules = suite("raw/attendance_mark")
    create(conn, "landing.marks", raw_columns("attendance_mark"))
    create(conn, BAD_ROWS, BAD_COLUMNS)
    bad = RAW["attendance_mark"].good | {"session": "EV", "code": "%s", "minutes_late": 500}
    insert(conn, "landing.marks", [{"school_id": 7, **bad}])
    assert split_bad_rows(conn, rules, "landing.marks", into=BAD_ROWS, as_at=AS_AT) == {7: 1}
    key, ids, messages, payload = conn.execute(f"select row_key, rules, messages, payload from {BAD_ROWS}").fetchone()
    assert key == {"school_id": 7, "pupil_id": "A1", "mark_date": "2025-07-18", "session": "EV"}
    assert ids == ["ATT-004", "ATT-005", "ATT-006", "ATT-011"]  # a warning is named beside the critical ones
    assert messages == [rule.message for rule in rules.rules if rule.rule_id in ids]
    assert (payload["code"], payload["minutes_late"], payload["comment"]) == ("%s", 500, "Bus")


def test_a_split_that_cannot_be_evaluated_moves_nothing(conn: psycopg.Connection[Any]) -> None:
    create(conn, "landing.marks", {"school_id": "integer", "pupil_id": "text"})
    create(conn, BAD_ROWS, BAD_COLUMNS)
    insert(conn, "landing.marks", [{"school_id": 1, "pupil_id": None}])
    with pytest.raises(psycopg.errors.UndefinedColumn):
        split_bad_rows(conn, suite("raw/attendance_mark"), "landing.marks", into=BAD_ROWS)
    assert conn.execute("select count(*) from landing.marks").fetchone() == (1,)


def test_a_slice_narrows_the_quarantine(conn: psycopg.Connection[Any]) -> None:
    create(conn, "landing.groups", raw_columns("group_pupil"))
    insert(conn, "landing.groups", [{"school_id": school, "group_id": None, "pupil_id": "A1"} for school in (1, 2)])
    query = quarantine_sql(suite("raw/group_pupil"), "landing.groups", where="school_id = 2")
    assert [row[0] for row in conn.execute(query.encode())] == [2]


@pytest.mark.parametrize("name", ["groups", "landing.groups; drop schema raw", 'landing."groups"', "a.b.c"])
def test_only_a_plain_name_is_taken_as_a_relation(name: str) -> None:
    with pytest.raises(ValueError, match=r"plain schema\.table"):
        quarantine_sql(suite("raw/group_pupil"), name)
