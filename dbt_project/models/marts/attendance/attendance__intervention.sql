with

intervention as (

    select * from {{ ref('intervention') }}

),

intervention_kind as (

    select * from {{ ref('intervention_kind') }}

),

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

as_of as (

    select
        school_id,
        max(session_date) as as_of
    from school_day
    where is_open_day
    group by school_id

),

-- Open school weeks in order, over the holidays and from year to year; the last one is whole from its Friday on.
week as (

    select
        school_day.school_id,
        school_day.week_start,
        row_number() over (partition by school_day.school_id order by school_day.week_start) as place,
        as_of.as_of >= school_day.week_start + 4 as is_over
    from school_day
    inner join as_of
        on school_day.school_id = as_of.school_id
    where school_day.is_open_day
    group by school_day.school_id, school_day.week_start, as_of.as_of

),

-- Where in that order the week of the first day stands: the weeks before and after it are counted from there.
placed as (

    select
        intervention.school_id,
        intervention.intervention_id,
        count(*) filter (where week.week_start < date_trunc('week', intervention.started_on)::date) as last_before,
        count(*) filter (where week.week_start <= date_trunc('week', intervention.started_on)::date) as last_not_after
    from intervention
    left join week
        on intervention.school_id = week.school_id
    group by intervention.school_id, intervention.intervention_id

),

period as (

    select
        placed.school_id,
        placed.intervention_id,
        week.week_start,
        week.is_over,
        case when week.place <= placed.last_before then 'before' else 'after' end as period
    from placed
    inner join week
        on
            placed.school_id = week.school_id
            and (
                week.place between placed.last_before - 3 and placed.last_before
                or week.place between placed.last_not_after + 1 and placed.last_not_after + 4
            )

),

calendar as (

    select
        school_id,
        intervention_id,
        count(*) filter (where period = 'before' and is_over) as weeks_before,
        count(*) filter (where period = 'after' and is_over) as weeks_after,
        min(week_start) filter (where period = 'before') as before_from,
        max(week_start) filter (where period = 'before') + 6 as before_to,
        min(week_start) filter (where period = 'after') as after_from,
        max(week_start) filter (where period = 'after') + 6 as after_to
    from period
    group by school_id, intervention_id

),

counted as (

    select
        intervention.school_id,
        intervention.intervention_id,
        coalesce(sum(pupil_day.possible_sessions) filter (
            where pupil_day.session_date between calendar.before_from and calendar.before_to
        ), 0)::integer as before_possible_sessions,
        coalesce(sum(pupil_day.absence_sessions) filter (
            where pupil_day.session_date between calendar.before_from and calendar.before_to
        ), 0)::integer as before_absence_sessions,
        coalesce(sum(pupil_day.possible_sessions) filter (
            where pupil_day.session_date between calendar.after_from and calendar.after_to
        ), 0)::integer as after_possible_sessions,
        coalesce(sum(pupil_day.absence_sessions) filter (
            where pupil_day.session_date between calendar.after_from and calendar.after_to
        ), 0)::integer as after_absence_sessions
    from intervention
    inner join calendar
        on
            intervention.school_id = calendar.school_id
            and intervention.intervention_id = calendar.intervention_id
    inner join pupil_day
        on
            intervention.school_id = pupil_day.school_id
            and intervention.pupil_key = pupil_day.pupil_key
            and (
                pupil_day.session_date between calendar.before_from and calendar.before_to
                or pupil_day.session_date between calendar.after_from and calendar.after_to
            )
    inner join pupil_year
        on
            pupil_day.school_id = pupil_year.school_id
            and pupil_day.pupil_key = pupil_year.pupil_key
            and pupil_day.academic_year = pupil_year.academic_year
            and pupil_day.session_date <= pupil_year.counted_until
    group by intervention.school_id, intervention.intervention_id

),

judged as (

    select
        intervention.school_id,
        intervention.intervention_id,
        intervention.pupil_key,
        intervention.kind,
        coalesce(intervention_kind.description, intervention.kind) as kind_description,
        intervention.started_on,
        intervention.ended_on,
        intervention.recorded_at,
        as_of.as_of,
        calendar.before_from,
        calendar.before_to,
        calendar.after_from,
        calendar.after_to,
        counted.before_possible_sessions,
        counted.before_absence_sessions,
        counted.after_possible_sessions,
        counted.after_absence_sessions,
        case
            when coalesce(calendar.weeks_before, 0) < 4
                then
                    coalesce(calendar.weeks_before, 0) || ' of the four school weeks before are in the calendar.'
            when coalesce(counted.before_possible_sessions, 0) = 0 then
                'The pupil had no possible session in the four school weeks before.'
        end as before_note,
        case
            when coalesce(calendar.weeks_after, 0) < 4
                then
                    coalesce(calendar.weeks_after, 0) || ' of the four school weeks after are over.'
            when coalesce(counted.after_possible_sessions, 0) = 0 then
                'The pupil had no possible session in the four school weeks after.'
        end as after_note
    from intervention
    left join intervention_kind
        on intervention.kind = intervention_kind.kind
    left join as_of
        on intervention.school_id = as_of.school_id
    left join calendar
        on
            intervention.school_id = calendar.school_id
            and intervention.intervention_id = calendar.intervention_id
    left join counted
        on
            intervention.school_id = counted.school_id
            and intervention.intervention_id = counted.intervention_id

)

select
    school_id,
    intervention_id,
    pupil_key,
    kind,
    kind_description,
    started_on,
    ended_on,
    ended_on is null as is_open,
    recorded_at,
    as_of,
    case when before_note is null then before_from end as before_from,
    case when before_note is null then before_to end as before_to,
    case when before_note is null then before_possible_sessions end as before_possible_sessions,
    case when before_note is null then before_absence_sessions end as before_absence_sessions,
    case
        when before_note is null then {{ percentage('before_absence_sessions', 'before_possible_sessions') }}
    end as before_absence_rate,
    before_note,
    case when after_note is null then after_from end as after_from,
    case when after_note is null then after_to end as after_to,
    case when after_note is null then after_possible_sessions end as after_possible_sessions,
    case when after_note is null then after_absence_sessions end as after_absence_sessions,
    case
        when after_note is null then {{ percentage('after_absence_sessions', 'after_possible_sessions') }}
    end as after_absence_rate,
    after_note
from judged
