with

source as (

    select * from {{ source('raw', 'staff') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

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
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
