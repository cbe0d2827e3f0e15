with

source as (

    select * from {{ source('raw', 'staff') }}

),

renamed as (

    select
        school_id,
        staff_id,
        upi,
        mis_id,
        title,
        forename,
        surname,
        lower(email) as email,
        coalesce(is_current, false) as is_current,
        is_teacher,
        employment_start_date,
        employment_end_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
