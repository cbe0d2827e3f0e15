with

school_session as (

    select * from {{ ref('attendance__school_session') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

calendar as (

    {{ placed_days() }}

),

counted as (

    select
        school_session.*,
        calendar.is_end_of_half_term,
        calendar.is_first_weeks
    from school_session
    inner join calendar
        on
            school_session.school_id = calendar.school_id
            and school_session.session_date = calendar.session_date

),

placed as (

    select
        counted.school_id,
        counted.academic_year,
        part.pattern,
        part.place,
        part.pattern_value,
        {{ summed_counts('counted') }}
    from counted
    cross join
        lateral (
            values
            (
                'weekday',
                counted.weekday,
                (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[counted.weekday]
            ),
            ('session', case counted.session when 'AM' then 1 else 2 end, counted.session),
            (
                'weekday and session',
                2 * counted.weekday - case counted.session when 'AM' then 1 else 0 end,
                (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[counted.weekday]
                || ' ' || counted.session
            ),
            (
                'end of half term',
                case when counted.is_end_of_half_term then 1 else 2 end,
                case when counted.is_end_of_half_term then 'last 5 school days' else 'the rest' end
            ),
            (
                'first weeks',
                case when counted.is_first_weeks then 1 else 2 end,
                case when counted.is_first_weeks then 'first 4 school weeks' else 'the rest' end
            )
        ) as part (pattern, place, pattern_value)
    group by counted.school_id, counted.academic_year, part.pattern, part.place, part.pattern_value

),

whole as (

    select
        school_id,
        academic_year,
        sum(absence_sessions) as absence_sessions,
        sum(possible_sessions) as possible_sessions
    from counted
    group by school_id, academic_year

)

select
    placed.school_id,
    placed.academic_year,
    placed.pattern,
    placed.place::smallint as place,
    placed.pattern_value as value,
    {{ count_columns('placed', reasons=false) }},
    {{ session_rates('placed') }},
    {{ percentage('placed.absence_sessions', 'placed.possible_sessions') }}
    - {{ percentage('whole.absence_sessions', 'whole.possible_sessions') }} as difference_from_mean
from placed
inner join whole
    on
        placed.school_id = whole.school_id
        and placed.academic_year = whole.academic_year
