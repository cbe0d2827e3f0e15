with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

day as (

    select
        register_year.school_id,
        school_day.session_date,
        register_year.pupil_key,
        register_year.academic_year,
        (register_year.minutes_late ->> school_day.am_position::text)::smallint as am_minutes_late,
        (register_year.minutes_late ->> (school_day.am_position + 1)::text)::smallint as pm_minutes_late,
        {{ day_counts('pair', 'register_year', 'school_day.am_position') }},
        {{ code_as_entered('pair.am_letter', 'school_day.am_position', 'register_year') }} as am_code,
        {{ code_as_entered('pair.pm_letter', 'school_day.am_position + 1', 'register_year') }} as pm_code
    from register_year
    inner join school_day
        on
            register_year.school_id = school_day.school_id
            and register_year.academic_year = school_day.academic_year
    -- "limit 1": cut out once a day and not once a column. Filters on pupil, date and year go past it.
    cross join
        lateral (
            select
                left(both_sessions.letters, 1) as am_letter,
                right(both_sessions.letters, 1) as pm_letter
            from (select substr(register_year.marks, school_day.am_position, 2) as letters limit 1) as both_sessions
            limit 1
        ) as pair
    where
        pair.am_letter <> ' '
        or pair.pm_letter <> ' '
        or get_bit(register_year.missing, school_day.am_position - 1) = 1
        or get_bit(register_year.missing, school_day.am_position) = 1

)

select
    school_id,
    session_date,
    pupil_key,
    academic_year,
    am_minutes_late,
    pm_minutes_late,
    {{ count_columns(reasons=false) }},
    am_code,
    pm_code
from day
