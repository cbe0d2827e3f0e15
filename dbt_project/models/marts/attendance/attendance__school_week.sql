with

week_pattern as (

    select * from {{ ref('attendance___week_pattern') }}

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

pattern as (

    select
        week_pattern.school_id,
        week_pattern.week_start,
        week_pattern.pupils,
        {{ count_columns('remembered') }}
    from week_pattern
    cross join lateral {{ counted_marks('week_pattern.marks', 'week_pattern.missing') }} as counted_marks
    cross join lateral {{ remembered_counts('counted_marks') }} as remembered

),

counted as (

    select
        school_id,
        week_start,
        coalesce(sum(pupils) filter (where possible_sessions > 0), 0) as pupils,
        {{ summed_counts(weight='pupils') }}
    from pattern
    group by school_id, week_start

),

-- Year to date and the last four weeks with sessions: sums of whole weeks of the same academic year.
rolled as (

    select
        numbered.school_id,
        numbered.week_start,
        numbered.academic_year,
        numbered.term,
        numbered.half_term,
        numbered.week_number,
        numbered.school_days,
        counted.pupils,
        {{ count_columns('counted') }},
        sum(counted.possible_sessions) over last_four as rolling_possible_sessions,
        sum(counted.absence_sessions) over last_four as rolling_absence_sessions,
        sum(counted.possible_sessions) over to_date as ytd_possible_sessions,
        sum(counted.absence_sessions) over to_date as ytd_absence_sessions
    from numbered
    inner join counted
        on
            numbered.school_id = counted.school_id
            and numbered.week_start = counted.week_start
    window
        last_four as (
            partition by numbered.school_id, numbered.academic_year
            order by numbered.week_number range between 3 preceding and current row
        ),
        to_date as (
            partition by numbered.school_id, numbered.academic_year
            order by numbered.week_number
        )

)

select
    school_id,
    week_start,
    academic_year,
    term,
    half_term,
    week_number::integer as week_number,
    school_days::integer as school_days,
    pupils::integer as pupils,
    {{ count_columns() }},
    {{ session_rates() }},
    rolling_possible_sessions::integer as rolling_possible_sessions,
    rolling_absence_sessions::integer as rolling_absence_sessions,
    {{ percentage('rolling_absence_sessions', 'rolling_possible_sessions') }} as rolling_absence_rate,
    ytd_possible_sessions::integer as ytd_possible_sessions,
    ytd_absence_sessions::integer as ytd_absence_sessions,
    {{ percentage('ytd_absence_sessions', 'ytd_possible_sessions') }} as ytd_absence_rate
from rolled
