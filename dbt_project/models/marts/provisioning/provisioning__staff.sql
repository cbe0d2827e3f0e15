with

staff as (

    select * from {{ ref('staff') }}

)

select
    school_id,
    staff_id,
    title,
    forename,
    surname,
    email,
    is_current,
    is_teacher
from staff
