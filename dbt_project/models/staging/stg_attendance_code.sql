with

source as (

    select * from {{ source('raw', 'attendance_code') }}

),

renamed as (

    select
        school_id,
        code_id,
        code,
        description,
        code_type
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
