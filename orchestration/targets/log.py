"""The log of targets: what an act needs to know, and appending. One school and year at a time.

Nothing here checks a person's rights: ``service`` does, before it calls. Estimates and pupils are those published for
the purpose benchmarks. Each statement works on the whole group: thousands of targets are one round trip.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any, LiteralString

from orchestration.targets.groups import (
    DEFAULT_POLICY,
    IN_FORCE,
    ROLL,
    STUDIED,
    WANTED,
    Connection,
    Group,
    Row,
    rows,
)
from orchestration.targets.policy_log import policy_of
from orchestration.targets.rules import Act, Basis, Circumstances, Estimate, Key, Source, Status, Target

#: The columns of a version, without the time of writing.
TARGET: LiteralString = """school_id, pupil_key, academic_year, qualification, subject, version, act, status, grade,
    points, source, proposed_by, prepopulated_points, policy_entry_id, challenge_levels, run_id, estimate_grades,
    estimate_points, chance_at_set, rationale, comment, set_by"""


def circumstances(
    connection: Connection, school_id: int, academic_year: int, keys: Sequence[Key]
) -> dict[Key, Circumstances]:
    """What holds for each pair of pupil and subject."""
    group = Group(school_id, academic_year, pupil_keys=tuple({key.pupil_key for key in keys}))
    pairs = rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        wanted as (
            select w.pupil_key, w.qualification, w.subject, coalesce(roll.nc_year, '') as nc_year,
                roll.pupil_key is not null as is_on_roll
            from unnest(%(pupils)s::bigint[], %(qualifications)s::text[], %(subjects)s::text[])
                as w (pupil_key, qualification, subject)
            left join roll using (pupil_key)
        ),
        scope as (select distinct nc_year, qualification, subject from wanted), {IN_FORCE},
        estimate as (select * from benchmarks.estimate where {WANTED} and pupil_key = any(%(pupil_keys)s)),
        previous as (
            select pupil_key, qualification, subject, points
            from targets.current_target
            where school_id = %(school_id)s and academic_year = %(previous_year)s
        )
        select
            wanted.*, in_force.entry_id, in_force.is_included, in_force.challenge_levels, in_force.offset_points,
            in_force.rounding, in_force.floor, in_force.floor_grade, in_force.who_may_edit,
            studied.pupil_key is not null as is_taught, previous.points as previous_points,
            one.run_id, one.grades, one.estimate_grade as grade_one, one.estimate_points as points_one,
            one.chances as chances_one, two.estimate_grade as grade_two, two.estimate_points as points_two,
            two.chances as chances_two
        from wanted
        inner join in_force using (nc_year, qualification, subject)
        left join studied using (pupil_key, qualification, subject)
        left join previous using (pupil_key, qualification, subject)
        left join estimate as one
            on wanted.pupil_key = one.pupil_key and wanted.qualification = one.qualification
            and wanted.subject = one.subject and one.challenge = in_force.challenge_levels[1]
        left join estimate as two
            on wanted.pupil_key = two.pupil_key and wanted.qualification = two.qualification
            and wanted.subject = two.subject and two.challenge = in_force.challenge_levels[2]
        """,
        group.parameters()
        | DEFAULT_POLICY
        | {
            "pupils": [key.pupil_key for key in keys],
            "qualifications": [key.qualification for key in keys],
            "subjects": [key.subject for key in keys],
        },
    )
    standing = {target.key: target for target in current(connection, group)}
    scales = _scales(connection, school_id)
    found: dict[Key, Circumstances] = {}
    for row in pairs:
        key = Key(school_id, row["pupil_key"], academic_year, row["qualification"], row["subject"])
        found[key] = Circumstances(
            standing.get(key),
            row["is_on_roll"],
            row["is_taught"],
            policy_of(row),
            row["entry_id"],
            scales.get((key.qualification, key.subject)) or scales.get((key.qualification, None)) or {},
            _estimate(row),
            row["previous_points"],
        )
    return found


def current(connection: Connection, group: Group) -> list[Target]:
    """The standing targets of a group's pupils on roll, in order of pupil and subject."""
    found = rows(
        connection,
        f"""
        with {ROLL}
        select {TARGET}, set_at from targets.current_target
        where {WANTED} and pupil_key in (select roll.pupil_key from roll)
        order by pupil_key, qualification, subject
        """,
        group.parameters(),
    )
    return [_target(row) for row in found]


def history(connection: Connection, key: Key) -> list[Target]:
    """Every version of a target, the first first."""
    found = rows(
        connection,
        f"""
        select {TARGET}, set_at from targets.target_entry
        where (school_id, pupil_key, academic_year, qualification, subject) = (%s, %s, %s, %s, %s) order by version
        """,
        list(key),
    )
    return [_target(row) for row in found]


def append(connection: Connection, targets: Sequence[Target]) -> set[Key]:
    """Write versions and return the keys of those written: the others were overtaken by somebody else's."""
    written = connection.execute(
        f"""
        insert into targets.target_entry ({TARGET})
        select {TARGET} from jsonb_populate_recordset(null::targets.target_entry, %s::jsonb)
        on conflict do nothing
        returning school_id, pupil_key, academic_year, qualification, subject
        """,
        [json.dumps([_row(target) for target in targets], default=str)],
    )
    return {Key(*row) for row in written}


def _scales(connection: Connection, school_id: int) -> dict[tuple[str, str | None], dict[str, Decimal]]:
    """Grade to points, the lowest first, of each subject that the school has estimates in, and of its qualification."""
    rows = connection.execute(
        "select qualification, subject, min(grades), min(points) from benchmarks.estimate where school_id = %s"
        " group by qualification, subject order by qualification, subject",
        [school_id],
    )
    found: dict[tuple[str, str | None], dict[str, Decimal]] = {}
    for qualification, subject, grades, points in rows:
        scale = dict(zip(grades, points, strict=True))
        found[qualification, subject] = scale
        found.setdefault((qualification, None), scale)
    return found


def _estimate(row: Row) -> Estimate | None:
    levels = len(row["challenge_levels"])
    of_levels = [
        (row[f"grade_{name}"], row[f"points_{name}"], row[f"chances_{name}"]) for name in ("one", "two")[:levels]
    ]
    if any(grade is None for grade, _, _ in of_levels):
        return None
    return Estimate(
        row["run_id"],
        tuple(grade for grade, _, _ in of_levels),
        round(sum(points for _, points, _ in of_levels) / levels, 2),
        tuple(dict(zip(row["grades"], chances, strict=True)) for _, _, chances in of_levels),
    )


def _target(row: Mapping[str, Any]) -> Target:
    grades = row["estimate_grades"]
    return Target(
        Key(row["school_id"], row["pupil_key"], row["academic_year"], row["qualification"], row["subject"]),
        row["version"],
        Act(row["act"]),
        Status(row["status"]),
        row["grade"],
        row["points"],
        Source(row["source"]),
        row["proposed_by"],
        row["prepopulated_points"],
        Basis(
            row["policy_entry_id"],
            tuple(row["challenge_levels"]),
            row["run_id"],
            None if grades is None else tuple(grades),
            row["estimate_points"],
            row["chance_at_set"],
        ),
        row["rationale"],
        row["comment"],
        row["set_by"],
        row["set_at"],
    )


def _row(target: Target) -> Row:
    row = {field.name: getattr(target, field.name) for field in fields(Target) if field.name not in {"key", "basis"}}
    return {**target.key._asdict(), **asdict(target.basis), **row}
