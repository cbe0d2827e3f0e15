with

source as (

    select * from {{ source('raw', 'result') }}

),

renamed as (

    select
        school_id,
        result_id,
        pupil_id,
        aspect_id,
        result_set_id,
        value as result_value,
        result_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
