{#- Postgres takes the common table expressions for a row each and loops over them, or merges by part of the key: 120 s
    and 12 s for 150,000 days, which hashing does in one. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['school_id', 'academic_year'],
        on_schema_change='fail',
        pre_hook=[
            "{{ forget_vanished_years(ref('risk_input')) }}",
            'set local enable_nestloop = off; set local enable_mergejoin = off',
        ],
    )
}}

with

risk_input as (

    select * from {{ ref('risk_input') }}

),

register as (

    select * from {{ ref('register') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

school as (

    select * from {{ ref('school') }}

),

{{ stale_school_years('risk_input') }}

-- The year before tells who was persistently absent then.
dated_year as (

    select
        school_id,
        academic_year,
        bool_or(is_example) as is_example
    from (
        select
            school_id,
            academic_year,
            true as is_example
        from stale
        union all
        select
            school_id,
            academic_year - 101 as academic_year,
            false as is_example
        from stale
    ) as either_year
    group by school_id, academic_year

),

calendar as (

    select
        school_day.school_id,
        school_day.session_date,
        school_day.academic_year,
        school_day.week_start,
        school_day.am_is_open::integer + school_day.pm_is_open::integer as open_sessions,
        dated_year.is_example
    from school_day
    inner join dated_year
        on
            school_day.school_id = dated_year.school_id
            and school_day.academic_year = dated_year.academic_year

),

week_of_year as (

    select
        school_id,
        academic_year,
        week_start,
        is_example,
        {{ am_position('week_start', 'academic_year') }} as first_position
    from calendar
    group by school_id, academic_year, week_start, is_example

),

-- A week is 14 places of the pupil's year: counted on its bits, and not a mark at a time.
cut as (

    select
        register.school_id,
        register.pupil_key,
        register.academic_year,
        week_of_year.week_start,
        week_of_year.is_example,
        substr(left(register.marks, register.counted_places), week_of_year.first_position, 14) as marks,
        substring(register.possible & counted.places from week_of_year.first_position for 14) as possible,
        substring(
            (register.authorised | register.unauthorised) & counted.places from week_of_year.first_position for 14
        ) as absent
    from register
    inner join week_of_year
        on
            register.school_id = week_of_year.school_id
            and register.academic_year = week_of_year.academic_year
            and register.counted_places >= week_of_year.first_position
    cross join lateral (select {{ bits_between('0', 'register.counted_places') }} as places) as counted
    where register.is_statistical

),

pupil_week as (

    select
        school_id,
        pupil_key,
        academic_year,
        week_start,
        is_example,
        bit_count(possible)::integer as possible_sessions,
        bit_count(absent)::integer as absence_sessions,
        length(marks) - length(translate(marks, '{{ letters_meaning(['not_possible']) }}', '')) as not_possible_sessions
    from cut

),

pupil_year as (

    select
        school_id,
        pupil_key,
        academic_year,
        sum(possible_sessions) as possible_sessions,
        10 * sum(absence_sessions) >= sum(possible_sessions) as is_persistently_absent
    from pupil_week
    group by school_id, pupil_key, academic_year
    having sum(possible_sessions) > 0

),

week as (

    select
        school_id,
        academic_year,
        week_start,
        row_number() over (partition by school_id, academic_year order by week_start) as week_number
    from calendar
    where open_sessions > 0 and is_example
    group by school_id, academic_year, week_start

),

-- Every pupil in every week of the school's year from their first on: a week away from the roll's marks is a week too.
grid as (

    select
        pupil_year.school_id,
        pupil_year.pupil_key,
        pupil_year.academic_year,
        week.week_start,
        week.week_number,
        coalesce(pupil_week.possible_sessions, 0) as possible_sessions,
        coalesce(pupil_week.absence_sessions, 0) as absence_sessions,
        coalesce(pupil_week.not_possible_sessions, 0) as not_possible_sessions,
        pupil_year.is_persistently_absent
    from pupil_year
    inner join week
        on
            pupil_year.school_id = week.school_id
            and pupil_year.academic_year = week.academic_year
    left join pupil_week
        on
            pupil_year.school_id = pupil_week.school_id
            and pupil_year.pupil_key = pupil_week.pupil_key
            and pupil_year.academic_year = pupil_week.academic_year
            and week.week_start = pupil_week.week_start

),

so_far as (

    select
        school_id,
        pupil_key,
        academic_year,
        week_start,
        week_number,
        is_persistently_absent,
        sum(possible_sessions) over year_to_date as possible_sessions,
        sum(absence_sessions) over year_to_date as absence_sessions,
        sum(not_possible_sessions) over year_to_date as not_possible_sessions,
        sum(possible_sessions) over four_weeks as recent_possible_sessions,
        sum(absence_sessions) over four_weeks as recent_absence_sessions
    from grid
    window
        year_to_date as (partition by school_id, pupil_key, academic_year order by week_number),
        four_weeks as (
            partition by school_id, pupil_key, academic_year
            order by week_number
            rows between 3 preceding and current row
        )

),

counted_until as (

    select distinct
        school_id,
        academic_year,
        counted_until
    from roll_year

),

-- Open sessions after each week, to the end of the year and to the day on which Year 11 ceases to be counted.
rest as (

    select
        week.school_id,
        week.academic_year,
        week.week_start,
        counted_until.counted_until,
        coalesce(sum(calendar.open_sessions), 0)::integer as open_sessions
    from week
    inner join counted_until
        on
            week.school_id = counted_until.school_id
            and week.academic_year = counted_until.academic_year
    left join calendar
        on
            week.school_id = calendar.school_id
            and week.academic_year = calendar.academic_year
            and week.week_start + 6 < calendar.session_date
            and counted_until.counted_until >= calendar.session_date
    group by week.school_id, week.academic_year, week.week_start, counted_until.counted_until

)

select
    so_far.school_id,
    so_far.pupil_key,
    so_far.academic_year,
    so_far.week_number::smallint as week_number,
    case
        when school.phase = 'special' then 'Special'
        when roll_year.age_on_31_august < 11 then 'Primary'
        else 'Secondary'
    end as model_phase,
    so_far.possible_sessions::integer as possible_sessions,
    so_far.absence_sessions::integer as absence_sessions,
    so_far.recent_possible_sessions::integer as recent_possible_sessions,
    so_far.recent_absence_sessions::integer as recent_absence_sessions,
    so_far.possible_sessions::integer
    + {{ expected_rest(
        'rest.open_sessions', 'so_far.possible_sessions::integer', 'so_far.not_possible_sessions::integer'
    ) }}
        as expected_possible_sessions,
    last_year.is_persistently_absent as was_persistently_absent,
    so_far.is_persistently_absent,
    stale.fingerprint
from so_far
inner join stale
    on
        so_far.school_id = stale.school_id
        and so_far.academic_year = stale.academic_year
inner join roll_year
    on
        so_far.school_id = roll_year.school_id
        and so_far.pupil_key = roll_year.pupil_key
        and so_far.academic_year = roll_year.academic_year
inner join school
    on so_far.school_id = school.school_id
inner join rest
    on
        so_far.school_id = rest.school_id
        and so_far.academic_year = rest.academic_year
        and so_far.week_start = rest.week_start
        and roll_year.counted_until = rest.counted_until
left join pupil_year as last_year
    on
        so_far.school_id = last_year.school_id
        and so_far.pupil_key = last_year.pupil_key
        and so_far.academic_year = last_year.academic_year + 101
where
    -- Neighbouring weeks hardly differ: every other one teaches as much.
    so_far.week_number % 2 = 0
    and so_far.possible_sessions >= 20
    and so_far.week_start <= roll_year.on_roll_to
    and rest.open_sessions > 0
