{#- As in core.risk_example: the planner knows nothing of tables that were built a moment ago. -#}
{{ config(pre_hook='set local enable_nestloop = off; set local enable_mergejoin = off') }}

with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

attendance_code as (

    select * from {{ ref('attendance__attendance_code') }}

),

calendar as (

    {{ placed_days() }}

),

-- Down to the few pairs of codes of a day before anything is looked up.
tally as (

    select
        pupil_day.school_id,
        pupil_day.session_date,
        pupil_day.am_code,
        pupil_day.pm_code,
        count(*) as pupils
    from pupil_day
    inner join pupil_year
        on
            pupil_day.school_id = pupil_year.school_id
            and pupil_day.pupil_key = pupil_year.pupil_key
            and pupil_day.academic_year = pupil_year.academic_year
            and pupil_day.session_date <= pupil_year.counted_until
    where pupil_year.is_statistical
    group by pupil_day.school_id, pupil_day.session_date, pupil_day.am_code, pupil_day.pm_code

),

mark as (

    select
        tally.school_id,
        tally.session_date,
        half.session,
        half.code,
        sum(tally.pupils) as pupils
    from tally
    cross join lateral (values ('AM', tally.am_code), ('PM', tally.pm_code)) as half (session, code)
    where half.code is not null
    group by tally.school_id, tally.session_date, half.session, half.code

),

-- One mark as a day with a morning only: the macro that knows what a meaning counts as reads it so.
counted as (

    select
        mark.school_id,
        mark.session_date,
        mark.session,
        mark.pupils,
        mark.code as am_code,
        null as pm_code,
        coalesce(attendance_code.meaning, 'unclassified') as am_meaning,
        null as pm_meaning
    from mark
    left join attendance_code
        on
            mark.school_id = attendance_code.school_id
            and mark.code = attendance_code.code
            and mark.session_date between attendance_code.valid_from and attendance_code.valid_to

),

one_mark as (

    select
        school_id,
        session_date,
        session,
        pupils,
        {{ day_counts() }}
    from counted

),

weighted as (

    select
        one_mark.school_id,
        calendar.academic_year,
        one_mark.session,
        extract(isodow from one_mark.session_date)::smallint as weekday,
        calendar.is_end_of_half_term,
        calendar.is_first_weeks,
        {{ weighted_counts('one_mark', 'one_mark.pupils') }}
    from one_mark
    inner join calendar
        on
            one_mark.school_id = calendar.school_id
            and one_mark.session_date = calendar.session_date

),

placed as (

    select
        weighted.school_id,
        weighted.academic_year,
        part.pattern,
        part.place,
        part.pattern_value,
        {{ summed_counts('weighted') }}
    from weighted
    cross join
        lateral (
            values
            (
                'weekday',
                weighted.weekday,
                (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[weighted.weekday]
            ),
            ('session', case weighted.session when 'AM' then 1 else 2 end, weighted.session),
            (
                'weekday and session',
                2 * weighted.weekday - case weighted.session when 'AM' then 1 else 0 end,
                (array['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'])[weighted.weekday]
                || ' ' || weighted.session
            ),
            (
                'end of half term',
                case when weighted.is_end_of_half_term then 1 else 2 end,
                case when weighted.is_end_of_half_term then 'last 5 school days' else 'the rest' end
            ),
            (
                'first weeks',
                case when weighted.is_first_weeks then 1 else 2 end,
                case when weighted.is_first_weeks then 'first 4 school weeks' else 'the rest' end
            )
        ) as part (pattern, place, pattern_value)
    group by weighted.school_id, weighted.academic_year, part.pattern, part.place, part.pattern_value

),

whole as (

    select
        school_id,
        academic_year,
        sum(absence_sessions) as absence_sessions,
        sum(possible_sessions) as possible_sessions
    from weighted
    group by school_id, academic_year

)

select
    placed.school_id,
    placed.academic_year,
    placed.pattern,
    placed.place::smallint as place,
    placed.pattern_value as value,
    placed.possible_sessions,
    placed.attended_sessions,
    placed.present_sessions,
    placed.approved_activity_sessions,
    placed.absence_sessions,
    placed.authorised_sessions,
    placed.unauthorised_sessions,
    placed.covid_sessions,
    placed.not_possible_sessions,
    placed.missing_sessions,
    placed.unclassified_sessions,
    placed.late_sessions,
    {{ session_rates('placed') }},
    {{ percentage('placed.absence_sessions', 'placed.possible_sessions') }}
    - {{ percentage('whole.absence_sessions', 'whole.possible_sessions') }} as difference_from_mean
from placed
inner join whole
    on
        placed.school_id = whole.school_id
        and placed.academic_year = whole.academic_year
