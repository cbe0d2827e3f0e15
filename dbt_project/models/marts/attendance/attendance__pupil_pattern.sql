{#- As in core.risk_example: the planner knows nothing of tables that were built a moment ago. -#}
{{ config(pre_hook='set local enable_nestloop = off; set local enable_mergejoin = off') }}

{%- set masks = {
    'end': 'placed_day.is_end_of_half_term',
    'first': 'placed_day.is_first_weeks',
    'recent': 'placed_day.weeks_ago < 4',
    'before': 'placed_day.weeks_ago between 4 and 11'
} %}

with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

household as (

    select * from {{ ref('household') }}

),

placed_day as (

    {{ placed_days() }}

),

-- Of a school's year, as bits: what is asked of a pupil's year is then a count of the bits that both have.
calendar as (

    select
        {%- for name, is_in in masks.items() %}
        coalesce(
            bit_or(
                {{ both_sessions('placed_day.session_date', 'placed_day.academic_year') }}
            ) filter (where {{ is_in }}),
            {{ no_bits() }}
        )::varbit as {{ name }}_bits,
        {%- endfor %}
        placed_day.school_id,
        placed_day.academic_year
    from placed_day
    group by placed_day.school_id, placed_day.academic_year

),

week as (

    select distinct
        school_id,
        academic_year,
        {{ am_position('week_start', 'academic_year') }} as first_position
    from school_day

),

-- To the last day that counts. A day was missed when either session was; it stands at its morning's place.
counted as (

    select
        register_year.school_id,
        register_year.pupil_key,
        register_year.academic_year,
        to_count.possible,
        to_count.absence,
        (to_count.absence | (to_count.absence << 1)) & {{ mornings() }} as days_missed
    from register_year
    cross join lateral (
        select
            register_year.possible & places.counted as possible,
            (register_year.authorised | register_year.unauthorised) & places.counted as absence
        from (select ~{{ no_bits() }} << ({{ year_length() }} - register_year.counted_places) as counted) as places
        offset 0
    ) as to_count

),

pupil_week as (

    select
        counted.school_id,
        counted.pupil_key,
        counted.academic_year,
        bit_count(substring(counted.possible from week.first_position for 14)) as possible_sessions,
        bit_count(substring(counted.absence from week.first_position for 14)) as absence_sessions
    from counted
    inner join week
        on
            counted.school_id = week.school_id
            and counted.academic_year = week.academic_year

),

weeks as (

    select
        school_id,
        pupil_key,
        academic_year,
        count(*) filter (where possible_sessions > 0)::integer as weeks,
        count(*) filter (
            where absence_sessions > 0 and absence_sessions < possible_sessions
        )::integer as broken_weeks,
        count(*) filter (
            where possible_sessions > 0 and absence_sessions = possible_sessions
        )::integer as missed_weeks
    from pupil_week
    group by school_id, pupil_key, academic_year

),

at_home as (

    select
        counted.school_id,
        counted.pupil_key,
        counted.academic_year,
        household.household_key,
        counted.days_missed::bit({{ year_length() }}) as days_missed
    from counted
    inner join household
        on
            counted.school_id = household.school_id
            and counted.pupil_key = household.pupil_key

),

together as (

    select
        at_home.school_id,
        at_home.pupil_key,
        at_home.academic_year,
        bit_count(at_home.days_missed & bit_or(other.days_missed))::integer as school_days
    from at_home
    inner join at_home as other
        on
            at_home.school_id = other.school_id
            and at_home.academic_year = other.academic_year
            and at_home.household_key = other.household_key
            and at_home.pupil_key <> other.pupil_key
    group by at_home.school_id, at_home.pupil_key, at_home.academic_year, at_home.days_missed

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
        bit_count(counted.possible & {{ weekday_places(number) }})::integer as {{ name }}_possible_sessions,
        bit_count(counted.absence & {{ weekday_places(number) }})::integer as {{ name }}_absence_sessions,
        {%- endfor %}
        bit_count(counted.possible & {{ mornings() }})::integer as am_possible_sessions,
        bit_count(counted.absence & {{ mornings() }})::integer as am_absence_sessions,
        bit_count(counted.possible & calendar.end_bits)::integer as end_of_half_term_possible_sessions,
        bit_count(counted.absence & calendar.end_bits)::integer as end_of_half_term_absence_sessions,
        bit_count(counted.possible & calendar.first_bits)::integer as first_weeks_possible_sessions,
        bit_count(counted.absence & calendar.first_bits)::integer as first_weeks_absence_sessions,
        pupil_year.agreed_holiday_sessions + pupil_year.unauthorised_holiday_sessions as holiday_sessions,
        weeks.weeks,
        weeks.broken_weeks,
        weeks.missed_weeks,
        bit_count(counted.possible & calendar.recent_bits)::integer as recent_possible_sessions,
        bit_count(counted.absence & calendar.recent_bits)::integer as recent_absence_sessions,
        bit_count(counted.possible & calendar.before_bits)::integer as before_possible_sessions,
        bit_count(counted.absence & calendar.before_bits)::integer as before_absence_sessions,
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
    inner join calendar
        on
            pupil_year.school_id = calendar.school_id
            and pupil_year.academic_year = calendar.academic_year
    inner join weeks
        on
            pupil_year.school_id = weeks.school_id
            and pupil_year.pupil_key = weeks.pupil_key
            and pupil_year.academic_year = weeks.academic_year
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
