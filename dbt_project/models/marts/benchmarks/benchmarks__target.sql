with

target_version as (

    select * from {{ ref('target_version') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

estimate as (

    select * from {{ ref('benchmarks__estimate') }}

),

standing as (

    select target_version.*
    from target_version
    inner join pupil
        on
            target_version.school_id = pupil.school_id
            and target_version.pupil_key = pupil.pupil_key
    where target_version.is_current and pupil.is_on_roll

),

judged as (

    select
        standing.school_id,
        standing.pupil_key,
        standing.academic_year,
        standing.qualification,
        standing.subject,
        estimate.challenge,
        estimate.estimate_grade,
        estimate.chances[array_position(estimate.grades, standing.grade)] as chance
    from standing
    inner join estimate
        on
            standing.school_id = estimate.school_id
            and standing.pupil_key = estimate.pupil_key
            and standing.academic_year = estimate.academic_year
            and standing.qualification = estimate.qualification
            and standing.subject = estimate.subject

),

by_level as (

    select
        school_id,
        pupil_key,
        academic_year,
        qualification,
        subject,
        min(estimate_grade) filter (where challenge = 50) as estimate_grade_50,
        min(estimate_grade) filter (where challenge = 20) as estimate_grade_20,
        min(estimate_grade) filter (where challenge = 5) as estimate_grade_5,
        min(chance) filter (where challenge = 50) as chance_50,
        min(chance) filter (where challenge = 20) as chance_20,
        min(chance) filter (where challenge = 5) as chance_5
    from judged
    group by school_id, pupil_key, academic_year, qualification, subject

)

select
    standing.school_id,
    standing.pupil_key,
    standing.academic_year,
    standing.qualification,
    standing.subject,
    standing.version,
    standing.status,
    standing.grade,
    standing.points,
    standing.source,
    standing.proposed_by,
    standing.challenge_levels,
    standing.run_id,
    standing.estimate_grades,
    standing.estimate_points,
    standing.chance_at_set,
    by_level.estimate_grade_50,
    by_level.estimate_grade_20,
    by_level.estimate_grade_5,
    by_level.chance_50,
    by_level.chance_20,
    by_level.chance_5,
    standing.rationale,
    standing.set_by,
    standing.set_at
from standing
left join by_level
    on
        standing.school_id = by_level.school_id
        and standing.pupil_key = by_level.pupil_key
        and standing.academic_year = by_level.academic_year
        and standing.qualification = by_level.qualification
        and standing.subject = by_level.subject
