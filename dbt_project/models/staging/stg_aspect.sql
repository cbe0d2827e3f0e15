with

source as (

    select * from {{ source('raw', 'aspect') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        aspect_id,
        name as aspect,
        result_type
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
