with

school_day as (

    select * from {{ ref('school_day') }}

)

select
    school_id,
    session_date,
    academic_year,
    week_start,
    term,
    half_term,
    am_is_open or pm_is_open as is_open_day,
    am_is_open,
    pm_is_open,
    am_position
from school_day
