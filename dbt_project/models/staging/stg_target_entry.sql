with

source as (

    select * from {{ source('targets', 'target_entry') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        pupil_key,
        academic_year,
        qualification,
        subject,
        version,
        act,
        status,
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
        set_at
    from source
    where school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
