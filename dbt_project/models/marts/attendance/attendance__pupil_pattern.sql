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

household as (

    select * from {{ ref('household') }}

),

calendar as (

    {{ placed_days() }}

),

day as (

    select
        pupil_day.school_id,
        pupil_day.pupil_key,
        pupil_day.session_date,
        pupil_day.academic_year,
        calendar.week_start,
        calendar.weeks_ago,
        extract(isodow from pupil_day.session_date)::smallint as weekday,
        calendar.is_first_weeks,
        calendar.is_end_of_half_term,
        pupil_day.possible_sessions,
        pupil_day.absence_sessions,
        pupil_day.am_code,
        pupil_day.pm_code
    from pupil_day
    inner join pupil_year
        on
            pupil_day.school_id = pupil_year.school_id
            and pupil_day.pupil_key = pupil_year.pupil_key
            and pupil_day.academic_year = pupil_year.academic_year
            and pupil_day.session_date <= pupil_year.counted_until
    inner join calendar
        on
            pupil_day.school_id = calendar.school_id
            and pupil_day.session_date = calendar.session_date

),

-- A day that was missed, or possible, by half needs its codes looked up; the others do not, and they are most.
half_day as (

    select
        day.school_id,
        day.pupil_key,
        day.academic_year,
        count(*) filter (where attendance_code.meaning in ('authorised', 'unauthorised')) as am_absence,
        count(*) filter (
            where
            day.possible_sessions = 1
            and attendance_code.meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid')
        ) as am_possible
    from day
    inner join attendance_code
        on
            day.school_id = attendance_code.school_id
            and day.am_code = attendance_code.code
            and day.session_date between attendance_code.valid_from and attendance_code.valid_to
    where day.possible_sessions = 1 or day.absence_sessions = 1
    group by day.school_id, day.pupil_key, day.academic_year

),

pupil_week as (

    select
        school_id,
        pupil_key,
        academic_year,
        week_start,
        weeks_ago,
        is_first_weeks,
        {%- for number in range(1, 6) %}
        coalesce(sum(possible_sessions) filter (where weekday = {{ number }}), 0) as possible_{{ number }},
        coalesce(sum(absence_sessions) filter (where weekday = {{ number }}), 0) as absence_{{ number }},
        {%- endfor %}
        count(*) filter (where possible_sessions = 2) as whole_days_possible,
        count(*) filter (where absence_sessions = 2) as whole_days_missed,
        coalesce(sum(possible_sessions) filter (where is_end_of_half_term), 0) as end_possible,
        coalesce(sum(absence_sessions) filter (where is_end_of_half_term), 0) as end_absence,
        sum(possible_sessions) as possible_sessions,
        sum(absence_sessions) as absence_sessions
    from day
    group by school_id, pupil_key, academic_year, week_start, weeks_ago, is_first_weeks

),

counted as (

    select
        school_id,
        pupil_key,
        academic_year,
        {%- for number in range(1, 6) %}
        sum(possible_{{ number }})::integer as possible_{{ number }},
        sum(absence_{{ number }})::integer as absence_{{ number }},
        {%- endfor %}
        sum(whole_days_possible)::integer as whole_days_possible,
        sum(whole_days_missed)::integer as whole_days_missed,
        sum(end_possible)::integer as end_possible,
        sum(end_absence)::integer as end_absence,
        coalesce(sum(possible_sessions) filter (where is_first_weeks), 0)::integer as first_possible,
        coalesce(sum(absence_sessions) filter (where is_first_weeks), 0)::integer as first_absence,
        count(*) filter (where possible_sessions > 0)::integer as weeks,
        count(*) filter (
            where absence_sessions > 0 and absence_sessions < possible_sessions
        )::integer as broken_weeks,
        count(*) filter (
            where possible_sessions > 0 and absence_sessions = possible_sessions
        )::integer as missed_weeks,
        coalesce(sum(possible_sessions) filter (where weeks_ago < 4), 0)::integer as recent_possible,
        coalesce(sum(absence_sessions) filter (where weeks_ago < 4), 0)::integer as recent_absence,
        coalesce(sum(possible_sessions) filter (where weeks_ago between 4 and 11), 0)::integer as before_possible,
        coalesce(sum(absence_sessions) filter (where weeks_ago between 4 and 11), 0)::integer as before_absence
    from pupil_week
    group by school_id, pupil_key, academic_year

),

away_together as (

    select
        day.school_id,
        day.pupil_key,
        day.academic_year,
        count(*) over (partition by day.school_id, household.household_key, day.session_date) as pupils_away
    from day
    inner join household
        on
            day.school_id = household.school_id
            and day.pupil_key = household.pupil_key
    where day.absence_sessions > 0

),

together as (

    select
        school_id,
        pupil_key,
        academic_year,
        count(*)::integer as school_days
    from away_together
    where pupils_away > 1
    group by school_id, pupil_key, academic_year

),

sibling as (

    select
        pupil_year.school_id,
        pupil_year.pupil_key,
        pupil_year.academic_year,
        count(*)::integer as siblings,
        sum(other_year.possible_sessions)::integer as possible_sessions,
        sum(other_year.absence_sessions)::integer as absence_sessions
    from pupil_year
    inner join household
        on
            pupil_year.school_id = household.school_id
            and pupil_year.pupil_key = household.pupil_key
    inner join household as other
        on
            household.school_id = other.school_id
            and household.household_key = other.household_key
            and household.pupil_key <> other.pupil_key
    inner join pupil_year as other_year
        on
            other.school_id = other_year.school_id
            and other.pupil_key = other_year.pupil_key
            and pupil_year.academic_year = other_year.academic_year
    group by pupil_year.school_id, pupil_year.pupil_key, pupil_year.academic_year

),

named as (

    select
        pupil_year.school_id,
        pupil_year.pupil_key,
        pupil_year.academic_year,
        pupil_year.year_group,
        pupil_year.is_statistical,
        pupil_year.possible_sessions,
        pupil_year.absence_sessions,
        {%- for number, name in [(1, 'monday'), (2, 'tuesday'), (3, 'wednesday'), (4, 'thursday'), (5, 'friday')] %}
        counted.possible_{{ number }} as {{ name }}_possible_sessions,
        counted.absence_{{ number }} as {{ name }}_absence_sessions,
        {%- endfor %}
        counted.whole_days_possible + coalesce(half_day.am_possible, 0)::integer as am_possible_sessions,
        counted.whole_days_missed + coalesce(half_day.am_absence, 0)::integer as am_absence_sessions,
        counted.end_possible as end_of_half_term_possible_sessions,
        counted.end_absence as end_of_half_term_absence_sessions,
        counted.first_possible as first_weeks_possible_sessions,
        counted.first_absence as first_weeks_absence_sessions,
        pupil_year.agreed_holiday_sessions + pupil_year.unauthorised_holiday_sessions as holiday_sessions,
        counted.weeks,
        counted.broken_weeks,
        counted.missed_weeks,
        counted.recent_possible as recent_possible_sessions,
        counted.recent_absence as recent_absence_sessions,
        counted.before_possible as before_possible_sessions,
        counted.before_absence as before_absence_sessions,
        coalesce(sibling.siblings, 0) as siblings,
        sibling.possible_sessions as siblings_possible_sessions,
        sibling.absence_sessions as siblings_absence_sessions,
        coalesce(together.school_days, 0) as days_missed_with_sibling
    from pupil_year
    inner join counted
        on
            pupil_year.school_id = counted.school_id
            and pupil_year.pupil_key = counted.pupil_key
            and pupil_year.academic_year = counted.academic_year
    left join half_day
        on
            pupil_year.school_id = half_day.school_id
            and pupil_year.pupil_key = half_day.pupil_key
            and pupil_year.academic_year = half_day.academic_year
    left join sibling
        on
            pupil_year.school_id = sibling.school_id
            and pupil_year.pupil_key = sibling.pupil_key
            and pupil_year.academic_year = sibling.academic_year
    left join together
        on
            pupil_year.school_id = together.school_id
            and pupil_year.pupil_key = together.pupil_key
            and pupil_year.academic_year = together.academic_year

)

select
    school_id,
    pupil_key,
    academic_year,
    year_group,
    is_statistical,
    possible_sessions,
    absence_sessions,
    {%- for name in ['monday', 'tuesday', 'wednesday', 'thursday', 'friday'] %}
    {{ name }}_possible_sessions,
    {{ name }}_absence_sessions,
    {%- endfor %}
    am_possible_sessions,
    am_absence_sessions,
    possible_sessions - am_possible_sessions as pm_possible_sessions,
    absence_sessions - am_absence_sessions as pm_absence_sessions,
    end_of_half_term_possible_sessions,
    end_of_half_term_absence_sessions,
    first_weeks_possible_sessions,
    first_weeks_absence_sessions,
    holiday_sessions,
    weeks,
    broken_weeks,
    missed_weeks,
    siblings,
    siblings_possible_sessions,
    siblings_absence_sessions,
    days_missed_with_sibling,
    recent_possible_sessions,
    recent_absence_sessions,
    before_possible_sessions,
    before_absence_sessions,
    -- In percentage points; from 20 sessions on either side.
    case
        when recent_possible_sessions >= 20 and before_possible_sessions >= 20
            then
                {{ percentage('recent_absence_sessions', 'recent_possible_sessions') }}
                - {{ percentage('before_absence_sessions', 'before_possible_sessions') }}
    end as recent_change
from named
