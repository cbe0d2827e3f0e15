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

pupil as (

    select * from {{ ref('attendance__pupil') }}

),

latest as (

    select
        school_id,
        max(academic_year) as academic_year,
        max(session_date) as as_of
    from school_day
    where is_open_day
    group by school_id

),

week as (

    select
        school_day.school_id,
        school_day.week_start,
        row_number() over (partition by school_day.school_id order by school_day.week_start) as week_number,
        row_number() over (partition by school_day.school_id order by school_day.week_start desc) - 1 as weeks_ago
    from school_day
    inner join latest
        on
            school_day.school_id = latest.school_id
            and school_day.academic_year = latest.academic_year
    where school_day.is_open_day
    group by school_day.school_id, school_day.week_start

),

calendar as (

    select
        school_day.school_id,
        school_day.session_date,
        school_day.week_start,
        latest.as_of,
        -- Open days after this one, to the last.
        coalesce(sum(school_day.is_open_day::integer) over (
            partition by school_day.school_id
            order by school_day.session_date desc
            rows between unbounded preceding and 1 preceding
        ), 0) as days_ago
    from school_day
    inner join latest
        on
            school_day.school_id = latest.school_id
            and school_day.academic_year = latest.academic_year

),

-- Pupils on roll now, of compulsory school age by the statistical rule; guests and late joiners are here to be cared
-- for, although no statistic counts them.
current_pupil as (

    select
        pupil_year.school_id,
        pupil_year.pupil_key,
        pupil_year.academic_year,
        pupil_year.counted_until
    from pupil_year
    inner join latest
        on
            pupil_year.school_id = latest.school_id
            and pupil_year.academic_year = latest.academic_year
    inner join pupil
        on
            pupil_year.school_id = pupil.school_id
            and pupil_year.pupil_key = pupil.pupil_key
    where pupil.is_on_roll and pupil_year.age_on_31_august between 5 and 15

)

select
    pupil_day.school_id,
    pupil_day.pupil_key,
    pupil_day.session_date,
    pupil_day.academic_year,
    calendar.as_of,
    extract(isodow from pupil_day.session_date)::smallint as weekday,
    calendar.week_start,
    week.week_number::smallint as week_number,
    week.weeks_ago::smallint as weeks_ago,
    calendar.days_ago::smallint as days_ago,
    pupil_day.possible_sessions,
    pupil_day.absence_sessions,
    pupil_day.unauthorised_sessions,
    pupil_day.not_possible_sessions,
    pupil_day.missing_sessions,
    pupil_day.late_sessions,
    (
        case when pupil_day.am_code = 'N' then 1 else 0 end + case when pupil_day.pm_code = 'N' then 1 else 0 end
    )::smallint as no_reason_sessions,
    (
        case when pupil_day.am_code in ('H', 'F', 'G') then 1 else 0 end
        + case when pupil_day.pm_code in ('H', 'F', 'G') then 1 else 0 end
    )::smallint as holiday_sessions,
    (sum(pupil_day.possible_sessions) over so_far)::integer as possible_sessions_so_far,
    (sum(pupil_day.absence_sessions) over so_far)::integer as absence_sessions_so_far
from pupil_day
inner join current_pupil
    on
        pupil_day.school_id = current_pupil.school_id
        and pupil_day.pupil_key = current_pupil.pupil_key
        and pupil_day.academic_year = current_pupil.academic_year
inner join calendar
    on
        pupil_day.school_id = calendar.school_id
        and pupil_day.session_date = calendar.session_date
left join week
    on
        calendar.school_id = week.school_id
        and calendar.week_start = week.week_start
where pupil_day.session_date <= least(current_pupil.counted_until, calendar.as_of)
window so_far as (
    partition by pupil_day.school_id, pupil_day.pupil_key
    order by pupil_day.session_date
)
