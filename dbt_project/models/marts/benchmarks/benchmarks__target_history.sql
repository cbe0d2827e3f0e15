with

target_version as (

    select * from {{ ref('target_version') }}

),

pupil as (

    select * from {{ ref('pupil') }}

)

select
    target_version.school_id,
    target_version.pupil_key,
    target_version.academic_year,
    target_version.qualification,
    target_version.subject,
    target_version.version,
    target_version.act,
    target_version.from_status,
    target_version.status,
    target_version.from_grade,
    target_version.grade,
    target_version.points,
    target_version.source,
    target_version.proposed_by,
    target_version.prepopulated_points,
    target_version.policy_entry_id,
    target_version.challenge_levels,
    target_version.run_id,
    target_version.estimate_grades,
    target_version.estimate_points,
    target_version.chance_at_set,
    target_version.rationale,
    target_version.comment,
    target_version.set_by,
    target_version.set_at
from target_version
inner join pupil
    on
        target_version.school_id = pupil.school_id
        and target_version.pupil_key = pupil.pupil_key
where pupil.is_on_roll
