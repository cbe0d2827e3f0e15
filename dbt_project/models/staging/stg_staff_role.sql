with

source as (

    select * from {{ source('raw', 'staff_role') }}

),

renamed as (

    select
        school_id,
        staff_id,
        role_id,
        role,
        role_code,
        start_date,
        end_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
