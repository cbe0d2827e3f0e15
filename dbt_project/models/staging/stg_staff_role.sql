with

source as (

    select * from {{ source('raw', 'staff_role') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

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
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
