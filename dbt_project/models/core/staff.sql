with

staff as (

    select * from {{ ref('stg_staff') }}

)

select
    school_id,
    staff_id,
    upi,
    title,
    forename,
    surname,
    email,
    is_current,
    is_teacher
from staff
