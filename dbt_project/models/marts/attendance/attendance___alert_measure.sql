{#- As in core.risk_example: the planner knows nothing of tables that were built a moment ago. -#}
{{ config(pre_hook='set local enable_nestloop = off; set local enable_mergejoin = off') }}

with

current_day as (

    select * from {{ ref('attendance___current_day') }}

),

school_alert_rule as (

    select * from {{ ref('school_alert_rule') }}

),

household as (

    select * from {{ ref('household') }}

),

rule as (

    select
        school_id,
        rule_id,
        threshold,
        upper_threshold,
        look_back,
        look_back_unit,
        minimum_sessions
    from school_alert_rule
    where is_enabled

),

-- The year so far, in one row a pupil.
pupil as (

    select
        school_id,
        pupil_key,
        sum(possible_sessions)::integer as possible,
        sum(absence_sessions)::integer as missed,
        coalesce(sum(possible_sessions) filter (where weekday in (1, 5)), 0)::integer as monday_friday_possible,
        coalesce(sum(absence_sessions) filter (where weekday in (1, 5)), 0)::integer as monday_friday_missed,
        coalesce(sum(possible_sessions) filter (where week_number <= 4), 0)::integer as first_weeks_possible,
        coalesce(sum(absence_sessions) filter (where week_number <= 4), 0)::integer as first_weeks_missed,
        min(session_date) filter (where week_number <= 4 and absence_sessions > 0) as first_weeks_since,
        min(session_date) filter (where weekday in (1, 5) and absence_sessions > 0) as monday_friday_since,
        max(week_number + weeks_ago) as weeks,
        max(session_date) filter (where possible_sessions > absence_sessions) as last_attended_on,
        min(days_ago) filter (where possible_sessions > 0) as last_possible_days_ago
    from current_day
    group by school_id, pupil_key

),

-- Near, persistent, severe: the share missed so far lies in the rule's band.
standing as (

    select
        pupil.school_id,
        pupil.pupil_key,
        rule.rule_id,
        rule.threshold,
        rule.upper_threshold,
        pupil.possible,
        pupil.missed
    from pupil
    inner join rule
        on
            pupil.school_id = rule.school_id
            and rule.rule_id in ('near_persistent', 'persistent', 'severe')
            and 100 * pupil.missed >= rule.threshold * pupil.possible
            and (rule.upper_threshold is null or 100 * pupil.missed < rule.upper_threshold * pupil.possible)
    where pupil.possible > 0

),

standing_day as (

    select
        standing.school_id,
        standing.pupil_key,
        standing.rule_id,
        standing.possible,
        standing.missed,
        current_day.session_date,
        max(current_day.session_date) filter (
            where
            100 * current_day.absence_sessions_so_far < standing.threshold * current_day.possible_sessions_so_far
            or 100 * current_day.absence_sessions_so_far
            >= standing.upper_threshold * current_day.possible_sessions_so_far
        ) over (partition by standing.school_id, standing.pupil_key, standing.rule_id) as last_outside
    from standing
    inner join current_day
        on
            standing.school_id = current_day.school_id
            and standing.pupil_key = current_day.pupil_key
    where current_day.possible_sessions_so_far > 0

),

standing_since as (

    select
        school_id,
        pupil_key,
        rule_id,
        possible,
        missed,
        min(session_date) as since
    from standing_day
    where last_outside is null or session_date > last_outside
    group by school_id, pupil_key, rule_id, possible, missed

),

-- Sessions of some kind within the rule's look-back.
happened as (

    select
        current_day.school_id,
        current_day.pupil_key,
        happening.rule_id,
        sum(happening.sessions)::integer as missed,
        min(current_day.session_date) as since
    from current_day
    cross join
        lateral (
            values
            ('late', current_day.late_sessions),
            ('term_time_holiday', current_day.holiday_sessions),
            ('no_marks', current_day.missing_sessions),
            ('unauthorised_ten_weeks', current_day.unauthorised_sessions),
            ('unexplained', current_day.no_reason_sessions)
        ) as happening (rule_id, sessions)
    inner join rule
        on
            current_day.school_id = rule.school_id
            and happening.rule_id = rule.rule_id
    where
        happening.sessions > 0
        and case
            when rule.rule_id = 'unexplained' then current_day.days_ago > rule.look_back
            when rule.look_back_unit = 'school days' then current_day.days_ago < rule.look_back
            else current_day.weeks_ago < rule.look_back
        end
    group by current_day.school_id, current_day.pupil_key, happening.rule_id

),

pupil_week as (

    select
        school_id,
        pupil_key,
        weeks_ago,
        min(session_date) as first_date,
        sum(possible_sessions)::integer as possible,
        sum(absence_sessions)::integer as missed
    from current_day
    where weeks_ago is not null
    group by school_id, pupil_key, weeks_ago

),

changed as (

    select
        pupil_week.school_id,
        pupil_week.pupil_key,
        rule.rule_id,
        sum(pupil_week.possible) filter (where pupil_week.weeks_ago < rule.look_back) as possible,
        sum(pupil_week.missed) filter (where pupil_week.weeks_ago < rule.look_back) as missed,
        min(pupil_week.first_date) filter (where pupil_week.weeks_ago < rule.look_back) as since,
        sum(pupil_week.possible) filter (where pupil_week.weeks_ago >= rule.look_back) as possible_before,
        sum(pupil_week.missed) filter (where pupil_week.weeks_ago >= rule.look_back) as missed_before
    from pupil_week
    inner join rule
        on
            pupil_week.school_id = rule.school_id
            and rule.rule_id = 'sudden_change'
            and pupil_week.weeks_ago < rule.look_back + 8
    group by pupil_week.school_id, pupil_week.pupil_key, rule.rule_id

),

broken as (

    select
        pupil_week.school_id,
        pupil_week.pupil_key,
        rule.rule_id,
        count(*)::integer as missed,
        min(pupil_week.first_date) as since
    from pupil_week
    inner join rule
        on
            pupil_week.school_id = rule.school_id
            and rule.rule_id = 'broken_weeks'
            and pupil_week.weeks_ago < rule.look_back
    where pupil_week.missed > 0 and pupil_week.missed < pupil_week.possible
    group by pupil_week.school_id, pupil_week.pupil_key, rule.rule_id

),

-- Away on every possible session of each day since the pupil was last there, and lately.
away as (

    select
        pupil.school_id,
        pupil.pupil_key,
        count(*)::integer as missed,
        min(current_day.session_date) as since
    from pupil
    inner join current_day
        on
            pupil.school_id = current_day.school_id
            and pupil.pupil_key = current_day.pupil_key
            and current_day.possible_sessions > 0
            and (pupil.last_attended_on is null or pupil.last_attended_on < current_day.session_date)
    where pupil.last_possible_days_ago < 5
    group by pupil.school_id, pupil.pupil_key

),

sibling_day as (

    select
        current_day.school_id,
        current_day.pupil_key,
        current_day.session_date,
        current_day.weeks_ago,
        count(*) over (
            partition by current_day.school_id, household.household_key, current_day.session_date
        ) as pupils_away
    from current_day
    inner join household
        on
            current_day.school_id = household.school_id
            and current_day.pupil_key = household.pupil_key
    where current_day.absence_sessions > 0

),

together as (

    select
        sibling_day.school_id,
        sibling_day.pupil_key,
        rule.rule_id,
        count(*)::integer as missed,
        min(sibling_day.session_date) as since
    from sibling_day
    inner join rule
        on
            sibling_day.school_id = rule.school_id
            and rule.rule_id = 'with_sibling'
            and sibling_day.weeks_ago < rule.look_back
    where sibling_day.pupils_away > 1
    group by sibling_day.school_id, sibling_day.pupil_key, rule.rule_id

),

measured as (

    select
        school_id,
        pupil_key,
        rule_id,
        100 * missed::numeric / possible as measured,
        missed,
        possible,
        null::numeric as compared_percent,
        since
    from standing_since
    union all
    select
        school_id,
        pupil_key,
        rule_id,
        missed as measured,
        missed,
        null as possible,
        null as compared_percent,
        since
    from happened
    union all
    select
        school_id,
        pupil_key,
        rule_id,
        100 * missed::numeric / possible - 100 * missed_before::numeric / possible_before as measured,
        missed,
        possible,
        100 * missed_before::numeric / possible_before as compared_percent,
        since
    from changed
    -- As many sessions before as since, or there is nothing to compare with.
    where possible > 0 and possible_before >= possible
    union all
    select
        school_id,
        pupil_key,
        'monday_friday' as rule_id,
        100 * monday_friday_missed::numeric / monday_friday_possible
        - 100 * (missed - monday_friday_missed)::numeric / (possible - monday_friday_possible) as measured,
        monday_friday_missed as missed,
        monday_friday_possible as possible,
        100 * (missed - monday_friday_missed)::numeric / (possible - monday_friday_possible) as compared_percent,
        monday_friday_since as since
    from pupil
    where monday_friday_possible > 0 and possible > monday_friday_possible
    union all
    select
        school_id,
        pupil_key,
        rule_id,
        missed as measured,
        missed,
        null as possible,
        null as compared_percent,
        since
    from broken
    union all
    select
        school_id,
        pupil_key,
        'consecutive_days' as rule_id,
        missed as measured,
        missed,
        null as possible,
        null as compared_percent,
        since
    from away
    union all
    select
        school_id,
        pupil_key,
        rule_id,
        missed as measured,
        missed,
        null as possible,
        null as compared_percent,
        since
    from together
    union all
    select
        pupil.school_id,
        pupil.pupil_key,
        rule.rule_id,
        pupil.first_weeks_missed as measured,
        pupil.first_weeks_missed as missed,
        pupil.first_weeks_possible as possible,
        null as compared_percent,
        pupil.first_weeks_since as since
    from pupil
    inner join rule
        on
            pupil.school_id = rule.school_id
            and rule.rule_id = 'first_weeks'
            and pupil.weeks <= rule.look_back

)

select
    measured.school_id,
    measured.pupil_key,
    measured.rule_id,
    measured.measured,
    measured.missed::integer as missed,
    measured.possible::integer as possible,
    measured.compared_percent,
    measured.since
from measured
inner join rule
    on
        measured.school_id = rule.school_id
        and measured.rule_id = rule.rule_id
-- Numbers of sessions are below a thousand, so that no quotient is rounded onto a threshold of two places.
where
    measured.measured >= rule.threshold
    and (rule.upper_threshold is null or measured.measured < rule.upper_threshold)
    and (measured.possible is null or measured.possible >= rule.minimum_sessions)
