{#- As in core.risk_example: the planner knows nothing of tables that were built a moment ago. -#}
{{ config(pre_hook='set local enable_nestloop = off; set local enable_mergejoin = off') }}

with

current_day as (

    select * from {{ ref('attendance___current_day') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

school as (

    select * from {{ ref('attendance__school') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

risk_model as (

    select * from {{ ref('attendance__risk_model') }}

),

coefficient as (

    select * from {{ ref('attendance__risk_model_coefficient') }}

),

calendar_year as (

    select
        school_id,
        academic_year,
        count(*) as open_days,
        sum(am_is_open::integer + pm_is_open::integer)::integer as open_sessions,
        min(session_date) as first_day,
        max(session_date) as last_day,
        max(academic_year) over (partition by school_id) as latest_year
    from school_day
    where is_open_day
    group by school_id, academic_year

),

this_year as (

    select
        school_id,
        academic_year,
        last_day as as_of,
        open_sessions
    from calendar_year
    where academic_year = latest_year

),

-- Last year's open sessions after the same day, which is 52 weeks earlier: to the end, and to the end of the May half
-- term for Year 11.
last_year as (

    select
        this_year.school_id,
        coalesce(sum(school_day.am_is_open::integer + school_day.pm_is_open::integer) filter (
            where school_day.session_date > this_year.as_of - 364
        ), 0)::integer as rest,
        coalesce(sum(school_day.am_is_open::integer + school_day.pm_is_open::integer) filter (
            where school_day.session_date > this_year.as_of - 364 and school_day.session_date <= half_term.ends_on
        ), 0)::integer as rest_of_year_11
    from this_year
    inner join calendar_year
        on
            this_year.school_id = calendar_year.school_id
            and this_year.academic_year = calendar_year.academic_year + 101
    inner join school_day
        on
            calendar_year.school_id = school_day.school_id
            and calendar_year.academic_year = school_day.academic_year
    inner join half_term
        on
            calendar_year.academic_year = half_term.academic_year
            and half_term.half_term = 5
    where
        {{ is_whole_year(
            'calendar_year.open_days', 'calendar_year.first_day', 'calendar_year.last_day',
            'calendar_year.academic_year'
        ) }}
    group by this_year.school_id

),

-- Without a whole last year: 190 days of two sessions, 155 of them before the end of the May half term.
rest as (

    select
        this_year.school_id,
        this_year.academic_year,
        this_year.as_of,
        case
            when last_year.school_id is not null then 'last year''s calendar'
            else '190 days'
        end as expected_from,
        coalesce(last_year.rest, greatest(380 - this_year.open_sessions, 0)) as rest,
        coalesce(last_year.rest_of_year_11, greatest(310 - this_year.open_sessions, 0)) as rest_of_year_11
    from this_year
    left join last_year
        on this_year.school_id = last_year.school_id

),

recent as (

    select
        school_id,
        pupil_key,
        coalesce(sum(possible_sessions) filter (where weeks_ago < 4), 0)::integer as recent_possible_sessions,
        coalesce(sum(absence_sessions) filter (where weeks_ago < 4), 0)::integer as recent_absence_sessions
    from current_day
    group by school_id, pupil_key

),

standing as (

    select
        recent.school_id,
        recent.pupil_key,
        pupil_year.academic_year,
        rest.as_of,
        pupil_year.year_group,
        pupil_year.counted_until,
        case
            when school.phase = 'special' then 'Special'
            when pupil_year.age_on_31_august < 11 then 'Primary'
            else 'Secondary'
        end as model_phase,
        pupil_year.possible_sessions,
        pupil_year.absence_sessions,
        recent.recent_possible_sessions,
        recent.recent_absence_sessions,
        pupil_year.is_persistently_absent,
        {{ expected_rest(
            'case
                when rest.as_of >= pupil_year.counted_until then 0
                when pupil_year.age_on_31_august = 15 then rest.rest_of_year_11
                else rest.rest
            end',
            'pupil_year.possible_sessions', 'pupil_year.not_possible_sessions'
        ) }} as remaining_sessions,
        rest.expected_from,
        last_year.is_persistently_absent as was_persistently_absent
    from recent
    inner join rest
        on recent.school_id = rest.school_id
    inner join pupil_year
        on
            recent.school_id = pupil_year.school_id
            and recent.pupil_key = pupil_year.pupil_key
            and rest.academic_year = pupil_year.academic_year
    inner join school
        on recent.school_id = school.school_id
    left join pupil_year as last_year
        on
            recent.school_id = last_year.school_id
            and recent.pupil_key = last_year.pupil_key
            and rest.academic_year = last_year.academic_year + 101
            and last_year.is_statistical
    where pupil_year.is_statistical and pupil_year.possible_sessions > 0

),

expected as (

    select
        standing.*,
        standing.possible_sessions + standing.remaining_sessions as expected_possible_sessions
    from standing

),

-- Only where something is known and something is left to come.
open_case as (

    select *
    from expected
    where possible_sessions >= 20 and remaining_sessions > 0

),

input as (

    select
        open_case.school_id,
        open_case.pupil_key,
        open_case.model_phase,
        {{ risk_inputs('open_case') }}
    from open_case

),

fitted as (

    select
        phase,
        {%- for input in risk_input_names() %}
        max(coefficient) filter (where input = '{{ input }}') as {{ input }},
        {%- endfor %}
        max(fit_id) as fit_id
    from coefficient
    group by phase

),

chosen as (

    select
        input.*,
        coalesce(own.phase, everybody.phase) as phase
    from input
    left join fitted as own
        on input.model_phase = own.phase
    left join fitted as everybody
        on everybody.phase = 'All'

),

risk as (

    select
        chosen.school_id,
        chosen.pupil_key,
        fitted.phase,
        fitted.fit_id,
        {{ risk_probability('fitted', 'chosen') }} as probability
    from chosen
    inner join fitted
        on chosen.phase = fitted.phase

),

no_model as (

    select max(reason) as reason
    from risk_model

),

judged as (

    select
        expected.school_id,
        expected.pupil_key,
        expected.academic_year,
        expected.as_of,
        expected.year_group,
        expected.counted_until,
        expected.possible_sessions,
        expected.absence_sessions,
        expected.recent_possible_sessions,
        expected.recent_absence_sessions,
        expected.remaining_sessions,
        expected.expected_possible_sessions,
        expected.expected_from,
        expected.is_persistently_absent,
        expected.was_persistently_absent,
        -- The most that may still be missed with 10 x missed < expected, in whole sessions.
        greatest((expected.expected_possible_sessions - 1) / 10 - expected.absence_sessions, 0)
            as sessions_left_before_persistent,
        10 * expected.absence_sessions >= expected.expected_possible_sessions as has_reached_line,
        risk.probability,
        risk.phase,
        risk.fit_id,
        case
            when risk.probability is not null then null
            when expected.remaining_sessions = 0 then 'The pupil''s year is over: nothing is left to foretell.'
            when expected.possible_sessions < 20 then 'Fewer than 20 possible sessions so far: too few to say.'
            else coalesce(no_model.reason, 'No model has been fitted yet: run mis run.')
        end as risk_note
    from expected
    cross join no_model
    left join risk
        on
            expected.school_id = risk.school_id
            and expected.pupil_key = risk.pupil_key

)

select
    school_id,
    pupil_key,
    academic_year,
    as_of,
    year_group,
    counted_until,
    possible_sessions,
    absence_sessions,
    {{ percentage('absence_sessions', 'possible_sessions') }} as absence_rate,
    is_persistently_absent,
    recent_possible_sessions as possible_sessions_last_4_weeks,
    recent_absence_sessions as sessions_missed_last_4_weeks,
    was_persistently_absent as was_persistently_absent_last_year,
    remaining_sessions as expected_remaining_sessions,
    expected_possible_sessions,
    expected_from,
    sessions_left_before_persistent,
    has_reached_line as has_reached_persistent,
    probability as risk_of_persistent_absence,
    case
        when probability < 0.2 then 'low'
        when probability < 0.5 then 'moderate'
        when probability < 0.8 then 'high'
        when probability is not null then 'very high'
    end as risk_band,
    fit_id || ' ' || phase as risk_model,
    risk_note,
    'Missed ' || absence_sessions || ' of ' || possible_sessions || ' sessions so far ('
    || round(100 * absence_sessions::numeric / possible_sessions, 2) || ' %), ' || recent_absence_sessions
    || ' in the last four school weeks; '
    || case
        when was_persistently_absent then 'persistently absent last year'
        when not was_persistently_absent then 'not persistently absent last year'
        else 'last year not known'
    end
    || '. '
    || case
        when remaining_sessions = 0 and is_persistently_absent then 'Ended the year persistently absent.'
        when remaining_sessions = 0 then 'Ended the year below 10 %.'
        when has_reached_line
            then 'Has reached 10 % of the ' || expected_possible_sessions || ' sessions expected in the whole year.'
        when sessions_left_before_persistent >= remaining_sessions
            then 'Stays below 10 % whatever becomes of the ' || remaining_sessions || ' sessions still expected.'
        else
            'Stays below 10 % if no more than ' || sessions_left_before_persistent || ' of the '
            || remaining_sessions || ' sessions still expected are missed.'
    end as why
from judged
