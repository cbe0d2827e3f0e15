with

source as (

    select * from {{ source('raw', 'subject') }}

),

renamed as (

    select
        school_id,
        subject_id,
        code as subject_code,
        name as subject_name,
        active as is_active
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
