with

school_week as (

    select * from {{ ref('attendance__school_week') }}

),

school_year as (

    select * from {{ ref('attendance__school_year') }}

),

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

last_week as (

    select
        school_id,
        academic_year,
        max(week_number) as week_number
    from school_week
    group by school_id, academic_year

),

-- Each year with the one before it, and how many weeks both have.
pair as (

    select
        later.school_id,
        later.academic_year,
        earlier.academic_year as year_before,
        least(later.week_number, earlier.week_number) as last_week_number,
        later.week_number >= earlier.week_number as is_whole_year
    from last_week as later
    inner join last_week as earlier
        on
            later.school_id = earlier.school_id
            and later.academic_year - 101 = earlier.academic_year

),

week as (

    select
        pair.school_id,
        pair.academic_year,
        pair.year_before,
        pair.is_whole_year,
        pair.last_week_number,
        school_week.week_start,
        {{ count_columns('school_week') }}
    from pair
    inner join school_week
        on
            pair.school_id = school_week.school_id
            and pair.year_before = school_week.academic_year
            and pair.last_week_number >= school_week.week_number

),

counted as (

    select
        school_id,
        academic_year,
        year_before,
        is_whole_year,
        last_week_number,
        max(week_start) as last_week_start,
        {{ summed_counts() }}
    from week
    group by school_id, academic_year, year_before, is_whole_year, last_week_number

),

-- Registers are read only where the year is not over: who is absent in whole years is known.
part_register as (

    select
        counted.school_id,
        counted.academic_year,
        register_year.possible,
        register_year.authorised,
        register_year.unauthorised,
        least(
            register_year.counted_places, {{ am_position('counted.last_week_start + 7', 'counted.year_before') }} - 1
        ) as places
    from counted
    inner join register_year
        on
            counted.school_id = register_year.school_id
            and counted.year_before = register_year.academic_year
    where not counted.is_whole_year and register_year.is_statistical

),

part_pupil as (

    select
        bit_count(substring(part_register.possible from 1 for part_register.places)) as possible_sessions,
        bit_count(substring(part_register.authorised from 1 for part_register.places))
        + bit_count(substring(part_register.unauthorised from 1 for part_register.places)) as absence_sessions,
        part_register.school_id,
        part_register.academic_year
    from part_register

),

part as (

    select
        part_pupil.school_id,
        part_pupil.academic_year,
        count(*) as enrolments,
        count(*) filter (
            where 10 * part_pupil.absence_sessions >= part_pupil.possible_sessions
        ) as persistently_absent_enrolments,
        count(*) filter (
            where 2 * part_pupil.absence_sessions >= part_pupil.possible_sessions
        ) as severely_absent_enrolments
    from part_pupil
    where part_pupil.possible_sessions > 0
    group by part_pupil.school_id, part_pupil.academic_year

),

headed as (

    select
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        (case when counted.is_whole_year then school_year.{{ name }} else part.{{ name }} end)::integer as {{ name }},
        {%- endfor %}
        counted.*
    from counted
    left join school_year
        on
            counted.school_id = school_year.school_id
            and counted.year_before = school_year.academic_year
    left join part
        on
            counted.school_id = part.school_id
            and counted.academic_year = part.academic_year

)

select
    school_id,
    academic_year,
    year_before,
    last_week_number,
    is_whole_year,
    enrolments,
    persistently_absent_enrolments,
    severely_absent_enrolments,
    {{ count_columns() }},
    {{ session_rates() }},
    {{ percentage('persistently_absent_enrolments', 'enrolments') }} as persistent_absence_rate,
    {{ percentage('severely_absent_enrolments', 'enrolments') }} as severe_absence_rate
from headed
