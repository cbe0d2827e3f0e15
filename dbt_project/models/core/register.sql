with

enrolment as (

    select * from {{ ref('enrolment') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

pupil_day as (

    select * from {{ ref('pupil_day') }}

),

-- What could be marked comes first, then the marks: a day without one is a row and not a gap.
on_roll as (

    select
        enrolment.school_id,
        enrolment.pupil_id,
        enrolment.pupil_key,
        enrolment.is_only_enrolment,
        school_day.session_date,
        school_day.academic_year,
        -- Nobody knows until when a leaver without a leaving date was on roll, so no mark of theirs is missing.
        case
            when school_day.am_is_open and (enrolment.end_date is not null or not enrolment.is_leaver) then '-'
        end as am_expected,
        case
            when school_day.pm_is_open and (enrolment.end_date is not null or not enrolment.is_leaver) then '-'
        end as pm_expected
    from enrolment
    inner join school_day
        on
            enrolment.school_id = school_day.school_id
            -- Not true is true for null too: a date that is not recorded bounds nothing.
            and (enrolment.start_date > school_day.session_date) is not true
            and (enrolment.end_date < school_day.session_date) is not true

),

marked as not materialized (

    select
        on_roll.school_id,
        on_roll.pupil_key,
        on_roll.is_only_enrolment,
        on_roll.session_date,
        on_roll.academic_year,
        pupil_day.am_minutes_late,
        pupil_day.pm_minutes_late,
        coalesce(pupil_day.am_code, on_roll.am_expected) as am_code,
        coalesce(pupil_day.pm_code, on_roll.pm_expected) as pm_code
    from on_roll
    left join pupil_day
        on
            on_roll.school_id = pupil_day.school_id
            and on_roll.pupil_id = pupil_day.pupil_id
            and on_roll.session_date = pupil_day.session_date

),

-- A mark goes before a missing one and a possible session before Z; few pupils have two enrolments to choose from.
merged as (

    select
        school_id,
        pupil_key,
        session_date,
        academic_year,
        max(am_minutes_late) as am_minutes_late,
        max(pm_minutes_late) as pm_minutes_late,
        min(array[case am_code when 'Z' then '3' when '-' then '2' else '1' end, am_code]) as am_ranked,
        min(array[case pm_code when 'Z' then '3' when '-' then '2' else '1' end, pm_code]) as pm_ranked
    from marked
    where not is_only_enrolment
    group by school_id, pupil_key, session_date, academic_year

)

select
    school_id,
    pupil_key,
    session_date,
    academic_year,
    am_minutes_late,
    pm_minutes_late,
    am_code,
    pm_code
from marked
where is_only_enrolment and (am_code is not null or pm_code is not null)
union all
select
    school_id,
    pupil_key,
    session_date,
    academic_year,
    am_minutes_late,
    pm_minutes_late,
    am_ranked[2] as am_code,
    pm_ranked[2] as pm_code
from merged
where am_ranked[2] is not null or pm_ranked[2] is not null
