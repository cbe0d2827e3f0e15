"""The log of policies: what was stated for which scope, and what is in force."""

from __future__ import annotations

from dataclasses import asdict, fields

from orchestration.targets.groups import DEFAULT_POLICY, IN_FORCE, ROLL, STUDIED, Connection, Group, Row, rows
from orchestration.targets.policy import Floor, Policy, PolicyEntry, Rounding, Scope, WhoMayEdit


def append_policy(
    connection: Connection, scope: Scope, policy: Policy, *, is_withdrawn: bool, reason: str, set_by: str
) -> int:
    """Write a statement of a policy and return its number."""
    row = connection.execute(
        """
        insert into targets.policy_entry (
            school_id, trust_uid, academic_year, nc_year, qualification, subject, is_withdrawn, is_included,
            challenge_levels, offset_points, rounding, floor, floor_grade, who_may_edit, reason, set_by
        ) values (
            %(school_id)s, %(trust_uid)s, %(academic_year)s, %(nc_year)s, %(qualification)s, %(subject)s,
            %(is_withdrawn)s, %(is_included)s, %(levels)s, %(offset_points)s, %(rounding)s, %(floor)s, %(floor_grade)s,
            %(who_may_edit)s, %(reason)s, %(set_by)s
        ) returning entry_id
        """,
        {
            **asdict(scope),
            **asdict(policy),
            "levels": list(policy.challenge_levels),
            "is_withdrawn": is_withdrawn,
            "reason": reason,
            "set_by": set_by,
        },
    ).fetchone()
    assert row is not None
    return int(row[0])


def policy_entries(connection: Connection, school_id: int, academic_year: int) -> list[PolicyEntry]:
    """Every statement about a school's targets of a year, its trust's among them, the latest first."""
    entries = rows(
        connection,
        """
        select * from targets.policy_entry
        where
            academic_year = %(academic_year)s
            and (school_id = %(school_id)s or trust_uid = (
                select trust_uid from core.school where school_id = %(school_id)s
            ))
        order by entry_id desc
        """,
        {"school_id": school_id, "academic_year": academic_year},
    )
    return [
        PolicyEntry(
            row["entry_id"],
            Scope(**{field.name: row[field.name] for field in fields(Scope)}),
            policy_of(row),
            row["is_withdrawn"],
            row["reason"],
            row["set_by"],
            row["set_at"],
        )
        for row in entries
    ]


def policies_in_force(connection: Connection, group: Group) -> list[Row]:
    """The policy in force for each year group, qualification and subject that the group's pupils study."""
    return rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        scope as (select distinct nc_year, qualification, subject from studied), {IN_FORCE}
        select * from in_force order by nc_year, qualification, subject
        """,
        group.parameters() | DEFAULT_POLICY,
    )


def policy_of(row: Row) -> Policy:
    """The policy that a row of ``targets.policy_entry`` or IN_FORCE states."""
    return Policy(
        row["is_included"],
        tuple(row["challenge_levels"]),
        row["offset_points"],
        Rounding(row["rounding"]),
        Floor(row["floor"]),
        row["floor_grade"],
        WhoMayEdit(row["who_may_edit"]),
    )
