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
        min(term) as term,
        min(half_term) as half_term,
        bool_or(is_open_day) as is_school_week,
        14 * ((min(am_position) - 1) / 14) + 1 as first_position
    from school_day
    group by school_id, academic_year, week_start

),

numbered as (

    select
        school_id,
        academic_year,
        week_start,
        term,
        half_term,
        first_position,
        case
            when is_school_week
                then count(*) filter (where is_school_week) over (
                    partition by school_id, academic_year
                    order by week_start
                )
        end::integer as week_number
    from week

),

counted as (

    select
        register_year.school_id,
        register_year.pupil_key,
        register_year.academic_year,
        numbered.week_start,
        numbered.term,
        numbered.half_term,
        numbered.week_number,
        {{ count_columns('remembered') }},
        remembered.attendance_rate,
        remembered.absence_rate,
        remembered.authorised_rate,
        remembered.unauthorised_rate
    from register_year
    inner join numbered
        on
            register_year.school_id = numbered.school_id
            and register_year.academic_year = numbered.academic_year
    -- Filters on pupil, week and year go past the laterals.
    cross join lateral {{ counted_marks(
        letters_from('register_year.marks', 'numbered.first_position', 14),
        'substring(register_year.missing from numbered.first_position for 14)'
    ) }} as counted_marks
    cross join lateral {{ remembered_counts('counted_marks') }} as remembered
    where counted_marks.plain + length(counted_marks.rest) + counted_marks.missing > 0

)

select
    school_id,
    pupil_key,
    academic_year,
    week_start,
    term,
    half_term,
    week_number,
    {{ count_columns() }},
    attendance_rate,
    absence_rate,
    authorised_rate,
    unauthorised_rate
from counted
