with

source as (

    select * from {{ source('ops', 'intervention') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        entry_id,
        intervention_id,
        action,
        school_id,
        pupil_key,
        kind,
        started_on,
        ended_on,
        recorded_at
    from source
    where school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
