"""The same synthetic schools through Wonde and through Groupcall: the same core tables and the same marts.

Two installations, each of which extracts, builds and publishes as a user would have it. What differs is what a partner
does not have, and stands here by name with the reason.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import templates
from installation import Installation

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse

SCHEMAS = ["core", "attendance", "benchmarks", "self_evaluation", "tracking", "provisioning"]

#: Ids that a partner makes up for its records; who links to whom by them is in the keys and names compared.
PARTNERS_OWN = {
    "pupil_id", "group_id", "group_ids", "subject_id", "staff_id", "role_id", "result_id", "aspect_id", "result_set_id",
    "exclusion_id", "need_id", "upi", "extract_id",
}  # fmt: skip
#: When and from what a row was made.
OF_THE_RUN = {"fingerprint", "inputs_hash", "fitted_at", "learned_at", "known_from", "code_book"}
#: Made of the platform's numbers of schools, which come in the order in which a partner lists them.
NUMBERED = {"person_key"}
LABELLED = {"person_by_upn"}
#: What XoD does not send (docs/groupcall.md, source_apis.md 2): part-time attendance, the year group of a class,
#: whether a subject is still taught.
NOT_IN_XOD = {"is_part_time", "is_active"}
#: Of who has left XoD does not send minutes late.
NOT_OF_LEAVERS = {"minutes_late", "am_minutes_late", "pm_minutes_late"}
#: The same of single tables, and of the lines of the student explorer.
NOT_IN_XODS_TABLE = {("teaching_group", "nc_year")}
NOT_IN_XODS_LINES = {"Part-time"}
#: Descriptions where one MIS gives Wonde descriptions and XoD codes: kept as received.
AS_RECEIVED = {("pupil_characteristics", "first_language"), ("school", "mis")}
LINES_AS_RECEIVED = {"First language"}
#: What each partner lets be read, by scopes of its own.
OF_THE_PARTNER = {"permission", "attribute_permission", "data_permission"}
#: XoD lists no subject without a class and no class without a pupil, and no needs or periods of leavers.
FEWER_IN_XOD = {"subject", "teaching_group", "sen_need", "pupil_status_history"}

Rows = Counter[tuple[Any, ...]]


@dataclass(frozen=True)
class Told:
    """What an installation tells: the columns and rows of each relation, schools by their establishment."""

    columns: dict[str, tuple[str, ...]]
    rows: dict[str, Rows]


def told_by(installation: Installation) -> Told:
    establishments = {
        row["school_id"]: row["laestab"]
        for row in installation.rows("select school_id, laestab from ops.school where state = 'approved'")
    }
    relations = installation.rows(
        "select nspname || '.' || relname as name from pg_class c join pg_namespace n on n.oid = relnamespace"
        f" where relkind in ('r', 'v') and nspname = any(array{SCHEMAS}) and relname !~ '^_' order by 1"
    )
    left = {
        (row["school_id"], row[named])
        for row in installation.rows("select school_id, pupil_key, pupil_id from core.enrolment where is_leaver")
        for named in ("pupil_key", "pupil_id")
    }

    def told(row: dict[str, Any], column: str) -> str:
        named = row.get("pupil_key", row.get("pupil_id"))
        if column in NOT_OF_LEAVERS and (row.get("school_id"), named) in left:
            return "not told"
        return repr(establishments.get(row[column], "other") if column.endswith("school_id") else row[column])

    columns, rows = {}, {}
    for relation in (row["name"] for row in relations):
        table = relation.split(".")[1]
        found = installation.rows(f"select * from {relation}")
        kept = sorted(
            column
            for column in (found[0] if found else ())
            if column not in PARTNERS_OWN | OF_THE_RUN | NUMBERED | NOT_IN_XOD
            and (table, column) not in AS_RECEIVED | NOT_IN_XODS_TABLE
        )
        columns[relation] = tuple(kept)
        rows[relation] = Counter(
            tuple(told(row, column) for column in kept)
            for row in found
            # Of schools that have not approved, XoD tells nothing but that they have not.
            if ("school_id" not in row or row["school_id"] is None or row["school_id"] in establishments)
            and row.get("item") not in NOT_IN_XODS_LINES | LINES_AS_RECEIVED
        )
    return Told(columns, rows)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Told, Told]:
    shared = templates.shared_folder(tmp_path_factory)
    told = []
    for partner in ("wonde", "groupcall"):
        home = tmp_path_factory.mktemp(partner) / "home"
        # XoD has the marks of the present academic year alone.
        installation = templates.prepared(shared, home).with_environment(
            MIS_SANDBOX_PARTNER=partner, MIS_HISTORY_FROM="2024-08-01"
        )
        installation.mis("extract")
        for row in installation.rows("select school_id, right(laestab, 3) as number from ops.school where urn is null"):
            # XoD sends no URN; the sandbox's are numbered like its establishments.
            installation.mis(
                "connections", "know", "--school", str(row["school_id"]), "--urn", str(198100 + int(row["number"]))
            )
        installation.mis("publish")
        with warehouse(Settings(home=installation.home)):
            told.append(told_by(installation))
    return told[0], told[1]


def test_both_tell_of_the_same_relations(both: tuple[Told, Told]) -> None:
    wonde, groupcall = both
    assert wonde.columns.keys() == groupcall.columns.keys()
    assert sum(map(len, wonde.rows.values())) > 100_000


def test_every_relation_is_the_same_through_either_partner(both: tuple[Told, Told]) -> None:
    wonde, groupcall = both
    different = {
        relation: [next(iter(rows - groupcall.rows[relation])), next(iter(groupcall.rows[relation] - rows))]
        for relation, rows in wonde.rows.items()
        if rows != groupcall.rows[relation] and relation.split(".")[1] not in FEWER_IN_XOD | OF_THE_PARTNER | LABELLED
    }
    assert not different, "\n".join(f"{relation}: {rows}" for relation, rows in different.items())


def test_what_groupcall_tells_of_the_others_wonde_tells_as_well(both: tuple[Told, Told]) -> None:
    wonde, groupcall = both
    for relation, rows in groupcall.rows.items():
        if relation.split(".")[1] in FEWER_IN_XOD:
            assert rows
            assert not rows - wonde.rows[relation], relation
