with

source as (

    select * from {{ source('raw', 'pupil_status_period') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        kind,
        period_id,
        code,
        start_date,
        end_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
