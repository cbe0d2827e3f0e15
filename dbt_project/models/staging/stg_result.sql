with

source as (

    select * from {{ source('raw', 'result') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

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
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
