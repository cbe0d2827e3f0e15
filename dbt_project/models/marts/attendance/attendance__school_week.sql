with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

week as (

    select
        school_id,
        week_start,
        max(academic_year) as academic_year,
        min(term) as term,
        min(half_term) as half_term,
        count(*) filter (where is_open_day) as school_days
    from school_day
    group by school_id, week_start

),

numbered as (

    select
        school_id,
        week_start,
        academic_year,
        term,
        half_term,
        school_days,
        row_number() over (partition by school_id, academic_year order by week_start) as week_number
    from week
    where school_days > 0

),

counted as (

    select
        pupil_day.school_id,
        school_day.week_start,
        count(distinct pupil_day.pupil_key) filter (where pupil_day.possible_sessions > 0) as pupils,
        {{ summed_counts('pupil_day') }},
        {{ reason_counts('pupil_day') }}
    from pupil_day
    inner join pupil_year
        on
            pupil_day.school_id = pupil_year.school_id
            and pupil_day.pupil_key = pupil_year.pupil_key
            and pupil_day.academic_year = pupil_year.academic_year
    inner join school_day
        on
            pupil_day.school_id = school_day.school_id
            and pupil_day.session_date = school_day.session_date
    where pupil_year.is_statistical and pupil_day.session_date <= pupil_year.counted_until
    group by pupil_day.school_id, school_day.week_start

)

select
    numbered.school_id,
    numbered.week_start,
    numbered.academic_year,
    numbered.term,
    numbered.half_term,
    numbered.week_number::integer as week_number,
    numbered.school_days::integer as school_days,
    counted.pupils::integer as pupils,
    {{ count_columns('counted') }},
    {{ session_rates('counted') }}
from numbered
inner join counted
    on
        numbered.school_id = counted.school_id
        and numbered.week_start = counted.week_start
