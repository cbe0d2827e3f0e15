with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

attendance_code as (

    select * from {{ ref('attendance__attendance_code') }}

),

unclassified as (

    select
        register_year.school_id,
        register_year.pupil_key,
        entered.value as code,
        register_year.first_day + (entered.key::integer - 1) / 2 as session_date
    from register_year
    cross join lateral jsonb_each_text(register_year.entered_codes) as entered
    where
        register_year.entered_codes <> '{}'
        and substr(register_year.marks, entered.key::integer, 1) = '!'

),

counted as (

    select
        school_id,
        code,
        count(*) as sessions,
        count(distinct pupil_key) as pupils,
        min(session_date) as first_date,
        max(session_date) as last_date
    from unclassified
    group by school_id, code

),

known as (

    select
        school_id,
        code,
        min(valid_from) as valid_from,
        max(valid_to) as valid_to
    from attendance_code
    group by school_id, code

)

select
    counted.school_id,
    counted.code,
    counted.sessions::integer as sessions,
    counted.pupils::integer as pupils,
    counted.first_date,
    counted.last_date,
    case
        when known.code is null
            then
                'Add the code to the seed custom_attendance_code with the standard code it counts as, or ask the '
                || 'school to enter a standard code.'
        when known.valid_to < counted.first_date
            then 'The code ended on ' || known.valid_to::text || ': ask the school to enter the code that replaced it.'
        when known.valid_from > counted.last_date
            then 'The code begins on ' || known.valid_from::text || ': ask the school to enter the code of the time.'
        else 'The code was not in force on these days: ask the school to correct the marks.'
    end as what_to_do
from counted
left join known
    on
        counted.school_id = known.school_id
        and counted.code = known.code
