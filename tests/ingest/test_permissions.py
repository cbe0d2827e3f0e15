"""The map of columns to scopes agrees with the tables it names and with what the sandbox calls its scopes."""

from __future__ import annotations

from orchestration.ingest import permissions
from orchestration.ingest.categories import CATEGORIES
from orchestration.settings import Settings
from sandbox.wonde import scopes

MAP = permissions.read(Settings().column_permissions)
#: Scopes of the sandbox that no column of ours needs, or that take whole streams of a table and no column away.
BESIDE = {
    "students-leaver.read",
    "students-pre-admission.read",
    "classes.read",
    "groups.read",
    "lessons.read",
    "periods.read",
    "rooms.read",
    "employees.date_of_birth.read",
    "employees.contracts.read",
}


def test_every_row_names_a_column_of_a_raw_table() -> None:
    columns = {table.name: set(table.columns) for spec in CATEGORIES.values() for table in spec.tables}
    for row in MAP:
        assert row.column_name in columns[row.table_name] | {permissions.WHOLE_TABLE}, row
    assert len(set(MAP)) == len(MAP)


def test_every_scope_of_the_sandbox_is_mapped_or_beside_the_point() -> None:
    mapped = {row.scope for row in MAP if row.partner == "wonde"}
    assert mapped | BESIDE == set(scopes.ALL)
    assert mapped & BESIDE == set()


def test_every_table_but_those_of_several_streams_has_a_scope_for_all_of_it() -> None:
    whole = {(row.partner, row.table_name) for row in MAP if row.column_name == permissions.WHOLE_TABLE}
    tables = {table.name for spec in CATEGORIES.values() for table in spec.tables}
    assert {name for name in tables if ("wonde", name) not in whole} == {"teaching_group"}
    assert {name for name in tables if ("groupcall", name) not in whole} == {"pupil_status_period"}
