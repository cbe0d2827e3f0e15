"""What is done for many targets at once, in SQL: pre-populating by policy, and carrying last year's over."""

from __future__ import annotations

from dataclasses import dataclass

from orchestration.targets.groups import DEFAULT_POLICY, IN_FORCE, ROLL, STUDIED, WANTED, Connection, Group, rows
from orchestration.targets.log import TARGET


@dataclass(frozen=True, slots=True)
class Prepopulated:
    """What pre-populating did, in targets: ``kept`` are people's or locked, ``not_estimated`` have no estimate."""

    set_now: int
    moved: int
    unchanged: int
    kept: int
    not_included: int
    not_estimated: int


def prepopulate(connection: Connection, group: Group, set_by: str) -> Prepopulated:
    """Give every pair of the group the target of its policy, and move those that only a policy has given so far."""
    row = rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        scope as (select distinct nc_year, qualification, subject from studied), {IN_FORCE},
        estimate as (select * from benchmarks.estimate where {WANTED}),
        standing as (select * from targets.current_target where {WANTED}),
        previous as (
            select pupil_key, qualification, subject, points
            from targets.current_target
            where school_id = %(school_id)s and academic_year = %(previous_year)s
        ),
        based as (
            select
                studied.*, in_force.entry_id, in_force.is_included, in_force.challenge_levels, in_force.rounding,
                one.run_id, one.grades, one.points,
                case
                    when cardinality(in_force.challenge_levels) = 1 then array[one.estimate_grade]
                    else array[one.estimate_grade, two.estimate_grade]
                end as estimate_grades,
                round((one.estimate_points + coalesce(two.estimate_points, one.estimate_points)) / 2, 2)
                    as estimate_points,
                in_force.offset_points,
                one.chances, coalesce(two.chances, one.chances) as other_chances,
                coalesce(case in_force.floor
                    when 'previous' then previous.points
                    when 'grade' then one.points[array_position(one.grades, in_force.floor_grade)]
                end, one.points[1]) as lowest,
                one.run_id is not null and (cardinality(in_force.challenge_levels) = 1 or two.run_id is not null)
                    as is_estimated
            from studied
            inner join in_force using (nc_year, qualification, subject)
            left join estimate as one
                on studied.pupil_key = one.pupil_key and studied.qualification = one.qualification
                and studied.subject = one.subject and one.challenge = in_force.challenge_levels[1]
            left join estimate as two
                on studied.pupil_key = two.pupil_key and studied.qualification = two.qualification
                and studied.subject = two.subject and two.challenge = in_force.challenge_levels[2]
            left join previous
                on studied.pupil_key = previous.pupil_key and studied.qualification = previous.qualification
                and studied.subject = previous.subject
        ),
        graded as (
            select
                based.*, chosen.grade, chosen.grade_points,
                (based.chances[chosen.place] + based.other_chances[chosen.place]) / 2 as chance,
                coalesce(standing.version, 0) as version,
                standing.version is not null and (standing.status <> 'prepopulated' or standing.source <> 'policy')
                    as is_kept,
                (standing.grade, standing.run_id, standing.estimate_points, standing.challenge_levels,
                    standing.policy_entry_id)
                is not distinct from (chosen.grade, based.run_id, based.estimate_points, based.challenge_levels,
                    based.entry_id) as is_unchanged
            from based
            cross join lateral (
                select s.grade, s.points as grade_points, s.place
                from unnest(based.grades, based.points) with ordinality as s (grade, points, place)
                cross join lateral (select s.points - based.estimate_points - based.offset_points) as d (distance)
                where s.points >= based.lowest
                order by
                    case based.rounding when 'up' then d.distance < 0 when 'down' then d.distance > 0 else false end,
                    abs(d.distance), s.points desc
                limit 1
            ) as chosen
            left join standing using (pupil_key, qualification, subject)
            where based.is_included and based.is_estimated
        ),
        written as (
            insert into targets.target_entry ({TARGET})
            select
                %(school_id)s, pupil_key, %(academic_year)s, qualification, subject, version + 1, 'prepopulate',
                'prepopulated', grade, grade_points, 'policy', null, grade_points, entry_id, challenge_levels, run_id,
                estimate_grades, estimate_points, chance, null, null, %(set_by)s
            from graded
            where not is_kept and not is_unchanged
            on conflict do nothing
            returning version
        )
        select
            (select count(*) from written where version = 1) as set_now,
            (select count(*) from written where version > 1) as moved,
            (select count(*) from graded where is_unchanged and not is_kept) as unchanged,
            (select count(*) from graded where is_kept) as kept,
            (select count(*) from based where not is_included) as not_included,
            (select count(*) from based where is_included and not is_estimated) as not_estimated
        """,
        group.parameters() | DEFAULT_POLICY | {"set_by": set_by},
    )[0]
    return Prepopulated(**row)


def roll_over(connection: Connection, group: Group, set_by: str) -> int:
    """Carry last year's approved and locked targets of pupils who go on with the subject over; how many.

    The year before's is superseded, this year's waits for review again. Pairs that have a target this year stay.
    """
    row = rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        scope as (select distinct nc_year, qualification, subject from studied), {IN_FORCE},
        standing as (select * from targets.current_target where {WANTED}),
        carried as (
            select previous.*
            from targets.current_target as previous
            inner join studied using (pupil_key, qualification, subject)
            inner join in_force using (nc_year, qualification, subject)
            where
                previous.school_id = %(school_id)s and previous.academic_year = %(previous_year)s
                and previous.status in ('approved', 'locked') and in_force.is_included
                and not exists (
                    select from standing
                    where
                        standing.pupil_key = previous.pupil_key and standing.qualification = previous.qualification
                        and standing.subject = previous.subject
                )
        ),
        written as (
            insert into targets.target_entry ({TARGET})
            select
                school_id, pupil_key, %(academic_year)s, qualification, subject, 1, 'roll over', 'prepopulated', grade,
                points, 'rollover', proposed_by, null, policy_entry_id, challenge_levels, run_id, estimate_grades,
                estimate_points, chance_at_set, rationale, null, %(set_by)s
            from carried
            on conflict do nothing
            returning pupil_key, qualification, subject
        ),
        superseded as (
            insert into targets.target_entry ({TARGET})
            select
                school_id, pupil_key, academic_year, qualification, subject, version + 1, 'supersede', 'superseded',
                grade, points, source, proposed_by, prepopulated_points, policy_entry_id, challenge_levels, run_id,
                estimate_grades, estimate_points, chance_at_set, rationale,
                'Carried over to ' || %(academic_year)s::text || '.', %(set_by)s
            from carried
            inner join written using (pupil_key, qualification, subject)
        )
        select count(*) as carried from written
        """,
        group.parameters() | DEFAULT_POLICY | {"set_by": set_by},
    )[0]
    return int(row["carried"])
