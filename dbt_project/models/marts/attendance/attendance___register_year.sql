with

register as (

    select * from {{ ref('register') }}

)

select
    school_id,
    pupil_key,
    academic_year,
    first_day,
    counted_until,
    counted_places,
    age_on_31_august,
    is_statistical,
    year_group,
    marks,
    possible,
    attended,
    authorised,
    unauthorised,
    missing,
    entered_codes,
    minutes_late,
    tally
from register
-- In the key's order: a pupil's years lie side by side, and a school's pupils.
order by school_id, academic_year, pupil_key
