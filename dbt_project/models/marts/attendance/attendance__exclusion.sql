with

exclusion as (

    select * from {{ ref('exclusion') }}

),

exclusion_reason as (

    select * from {{ ref('exclusion_reason') }}

),

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

-- Partners send one reason; the census knows three, and some systems put them into the one field.
reason as (

    select
        exclusion.school_id,
        exclusion.exclusion_id,
        string_agg(coalesce(exclusion_reason.description, given.code), '; ' order by given.place) as reasons
    from exclusion
    cross join
        lateral regexp_split_to_table(upper(trim(exclusion.reason_code)), '[^A-Z0-9]+')
        with ordinality as given (code, place)
    left join exclusion_reason
        on given.code = exclusion_reason.reason_code
    where given.place <= 3 and given.code <> ''
    group by exclusion.school_id, exclusion.exclusion_id

),

suspension as (

    select
        exclusion.*,
        row_number() over (
            partition by exclusion.school_id, exclusion.pupil_key, exclusion.academic_year
            order by exclusion.start_date, exclusion.exclusion_id
        ) as place
    from exclusion
    where exclusion.exclusion_type = 'suspension'

),

-- The marks of the span: a suspension may begin after lunch, and end before it.
mark as (

    select
        suspension.school_id,
        suspension.exclusion_id,
        half_day.code
    from suspension
    inner join pupil_day
        on
            suspension.school_id = pupil_day.school_id
            and suspension.pupil_key = pupil_day.pupil_key
            and pupil_day.session_date
            between suspension.start_date and coalesce(suspension.end_date, suspension.start_date)
    cross join
        lateral (
            values
            (
                pupil_day.am_code,
                pupil_day.session_date > suspension.start_date or coalesce(suspension.start_session, 'AM') = 'AM'
            ),
            (
                pupil_day.pm_code,
                pupil_day.session_date < coalesce(suspension.end_date, suspension.start_date)
                or coalesce(suspension.end_session, 'PM') = 'PM'
            )
        ) as half_day (code, is_within)
    where half_day.code is not null and half_day.code <> '-' and half_day.is_within

),

coded as (

    select
        school_id,
        exclusion_id,
        count(*) as marked_sessions,
        count(*) filter (where code = 'E') as coded_e_sessions,
        count(*) filter (where code in ('B', 'K', 'D')) as provision_sessions
    from mark
    group by school_id, exclusion_id

)

select
    exclusion.school_id,
    exclusion.exclusion_id,
    exclusion.pupil_key,
    exclusion.academic_year,
    exclusion.exclusion_type,
    exclusion.reason_code,
    exclusion.reason,
    exclusion.start_date,
    exclusion.end_date,
    exclusion.sessions,
    reason.reasons,
    (exclusion.sessions / 2.0)::numeric(5, 1) as days,
    suspension.place > 1 as is_repeat,
    case when suspension.exclusion_id is not null then coalesce(coded.coded_e_sessions, 0) end::integer
        as coded_e_sessions,
    case when suspension.exclusion_id is not null then coalesce(coded.provision_sessions, 0) end::integer
        as provision_sessions,
    case
        when suspension.exclusion_id is null or suspension.sessions is null then null
        when coded.exclusion_id is null then 'no marks'
        when
            coded.coded_e_sessions > suspension.sessions + {{ var('suspension_tolerance_sessions') }}
            then 'more E marks'
        when
            coded.coded_e_sessions + coded.provision_sessions
            >= suspension.sessions - {{ var('suspension_tolerance_sessions') }}
            then 'agrees'
        else 'fewer E marks'
    end as reconciliation
from exclusion
left join reason
    on
        exclusion.school_id = reason.school_id
        and exclusion.exclusion_id = reason.exclusion_id
left join suspension
    on
        exclusion.school_id = suspension.school_id
        and exclusion.exclusion_id = suspension.exclusion_id
left join coded
    on
        exclusion.school_id = coded.school_id
        and exclusion.exclusion_id = coded.exclusion_id
