with

source as (

    select * from {{ source('raw', 'exclusion') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        exclusion_id,
        pupil_id,
        type_code,
        reason_code,
        start_date,
        start_session,
        end_date,
        end_session,
        sessions
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
