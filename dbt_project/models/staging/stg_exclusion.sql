with

source as (

    select * from {{ source('raw', 'exclusion') }}

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
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
