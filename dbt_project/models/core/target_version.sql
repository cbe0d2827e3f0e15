with

entry as (

    select * from {{ ref('stg_target_entry') }}

),

followed as (

    select
        entry.*,
        lag(entry.status) over target as from_status,
        lag(entry.grade) over target as from_grade,
        lead(entry.version) over target is null as is_current
    from entry
    window target as (
        partition by entry.school_id, entry.pupil_key, entry.academic_year, entry.qualification, entry.subject
        order by entry.version
    )

)

select
    school_id,
    pupil_key,
    academic_year,
    qualification,
    subject,
    version,
    act,
    from_status,
    status,
    from_grade,
    grade,
    points,
    source,
    proposed_by,
    prepopulated_points,
    policy_entry_id,
    challenge_levels,
    run_id,
    estimate_grades,
    estimate_points,
    chance_at_set,
    rationale,
    comment,
    set_by,
    set_at,
    is_current
from followed
