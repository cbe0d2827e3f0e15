"""What people look at: targets beside estimates, what new estimates would change, and how far a school has come."""

from __future__ import annotations

from typing import LiteralString

from orchestration.targets.groups import ROLL, STUDIED, WANTED, Connection, Group, Row, rows


def sheet(connection: Connection, group: Group, *, with_names: bool, limit: int | None, offset: int) -> list[Row]:
    """One row per pupil on roll and subject studied: prior attainment, estimates by level, the standing target.

    ``estimates`` is a list, the easiest level first, of challenge, grade, points, chance (of that grade or better) and
    target_chance (of the target or better). Without names, surname, forename and upn are not in the row.
    """
    names: LiteralString = "n.surname, n.forename, n.upn," if with_names else ""
    join: LiteralString = (
        "left join benchmarks.pupil_name as n on n.school_id = %(school_id)s and n.pupil_key = studied.pupil_key"
        if with_names
        else ""
    )
    order: LiteralString = "n.surname, n.forename, " if with_names else ""
    return rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        target as (select * from targets.current_target where {WANTED}),
        page as (
            select studied.*, {names}
                t.version, t.grade, t.points, t.status, t.source, t.rationale, t.comment, t.proposed_by, t.set_by,
                t.set_at
            from studied
            left join target as t using (pupil_key, qualification, subject)
            {join}
            order by {order} studied.pupil_key, studied.qualification, studied.subject
            limit %(limit)s offset %(offset)s
        )
        select page.*, estimated.*
        from page
        left join lateral (
            select
                min(e.prior_measure) as prior_measure, min(e.prior_value) as prior_value, min(e.run_id) as run_id,
                min(e.reliability) as reliability, min(e.caveat) as caveat, min(e.grades) as grades,
                min(e.points) as points_of_grades,
                coalesce(jsonb_agg(
                    jsonb_build_object(
                        'challenge', e.challenge, 'grade', e.estimate_grade, 'points', e.estimate_points,
                        'chance', e.chance, 'target_chance', e.chances[array_position(e.grades, page.grade)],
                        'chances', e.chances
                    ) order by e.challenge desc
                ) filter (where e.challenge is not null), '[]') as estimates
            from benchmarks.estimate as e
            where
                e.school_id = %(school_id)s and e.academic_year = %(academic_year)s and e.pupil_key = page.pupil_key
                and e.qualification = page.qualification and e.subject = page.subject
        ) as estimated on true
        """,
        group.parameters() | {"limit": limit, "offset": offset},
    )


def differences(connection: Connection, group: Group) -> list[Row]:
    """Standing targets whose estimate, at the levels they were set by, is another one now or is gone."""
    return rows(
        connection,
        f"""
        with {ROLL},
        target as (
            select t.*, roll.nc_year
            from targets.current_target as t
            inner join roll using (pupil_key)
            where {WANTED} and t.status <> 'superseded'
        ),
        estimate as (select * from benchmarks.estimate where {WANTED}),
        now as (
            select
                t.pupil_key, t.qualification, t.subject, min(e.run_id) as run_id,
                array_agg(e.estimate_grade order by array_position(t.challenge_levels, e.challenge::numeric(5, 2)))
                    as estimate_grades,
                round(avg(e.estimate_points), 2) as estimate_points,
                avg(e.chances[array_position(e.grades, t.grade)]) as chance
            from target as t
            inner join estimate as e using (pupil_key, qualification, subject)
            where e.challenge = any(t.challenge_levels)
            group by t.pupil_key, t.qualification, t.subject
        )
        select
            target.pupil_key, target.nc_year, target.qualification, target.subject, target.grade, target.status,
            target.challenge_levels, target.run_id as run_then, target.estimate_grades as estimate_then,
            target.estimate_points as points_then, target.chance_at_set as chance_then, now.run_id as run_now,
            now.estimate_grades as estimate_now, now.estimate_points as points_now, now.chance as chance_now
        from target
        left join now using (pupil_key, qualification, subject)
        where target.estimate_points is distinct from now.estimate_points
        order by target.qualification, target.subject, target.pupil_key
        """,
        group.parameters(),
    )


def progress(connection: Connection, group: Group) -> list[Row]:
    """One row per qualification and subject: pupils who study it, and how many targets have come how far."""
    return rows(
        connection,
        f"""
        with {ROLL}, {STUDIED},
        target as (select * from targets.current_target where {WANTED})
        select
            studied.qualification, studied.subject, count(*) as pupils, count(target.version) as set_targets,
            count(*) filter (where target.status in ('subject_reviewed', 'approved', 'locked')) as reviewed,
            count(*) filter (where target.status in ('approved', 'locked')) as approved,
            count(*) filter (where target.status = 'locked') as locked,
            count(*) filter (where target.status = 'rejected') as rejected
        from studied
        left join target using (pupil_key, qualification, subject)
        group by studied.qualification, studied.subject
        order by studied.qualification, studied.subject
        """,
        group.parameters(),
    )


def pupils_by_upn(connection: Connection, school_id: int) -> dict[str, int]:
    """Keys of a school's pupils on roll by UPN."""
    return dict(
        connection.execute(
            "select upn, pupil_key from benchmarks.pupil_name where school_id = %s and upn is not null", [school_id]
        ).fetchall()
    )
