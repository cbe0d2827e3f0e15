with

source as (

    select * from {{ source('raw', 'aspect') }}

),

renamed as (

    select
        school_id,
        aspect_id,
        name as aspect,
        result_type
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
