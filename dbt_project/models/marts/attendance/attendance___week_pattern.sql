with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

week as (

    select
        school_id,
        academic_year,
        week_start,
        14 * ((min(am_position) - 1) / 14) + 1 as first_position
    from school_day
    group by school_id, academic_year, week_start

),

-- Materialized, both: cut once a year and not once a week, and a week once and not again to see whether it is empty.
counted as materialized (

    select
        school_id,
        academic_year,
        rpad(left(marks, counted_places), {{ year_length() }}) as marks,
        missing & {{ bits_between('0', 'counted_places') }} as missing
    from register_year
    where is_statistical

),

pupil_week as materialized (

    select
        counted.school_id,
        counted.academic_year,
        week.week_start,
        {{ letters_from('counted.marks', 'week.first_position', 14) }} as marks,
        substring(counted.missing from week.first_position for 14)::varbit as missing
    from counted
    inner join week
        on
            counted.school_id = week.school_id
            and counted.academic_year = week.academic_year

),

pattern as (

    select
        school_id,
        academic_year,
        week_start,
        marks,
        missing,
        count(*) as pupils
    from pupil_week
    group by school_id, academic_year, week_start, marks, missing

)

select
    school_id,
    academic_year,
    week_start,
    marks,
    missing,
    pupils::integer as pupils
from pattern
where marks <> repeat(' ', 14) or bit_count(missing) > 0
