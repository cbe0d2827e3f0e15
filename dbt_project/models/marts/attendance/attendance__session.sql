with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

attendance_code as (

    select * from {{ ref('attendance__attendance_code') }}

),

session as (

    select
        school_id,
        pupil_key,
        session_date,
        'AM' as session,
        academic_year,
        am_code as code,
        am_minutes_late as minutes_late
    from pupil_day
    where am_code is not null
    union all
    select
        school_id,
        pupil_key,
        session_date,
        'PM' as session,
        academic_year,
        pm_code as code,
        pm_minutes_late as minutes_late
    from pupil_day
    where pm_code is not null

)

select
    session.school_id,
    session.pupil_key,
    session.session_date,
    session.session,
    session.academic_year,
    session.code,
    attendance_code.description,
    coalesce(attendance_code.meaning, 'unclassified') as meaning,
    coalesce(
        attendance_code.meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid'), false
    ) as is_possible,
    coalesce(attendance_code.meaning in ('present', 'approved'), false) as is_attended,
    coalesce(attendance_code.meaning in ('authorised', 'unauthorised'), false) as is_absence,
    session.minutes_late
from session
left join attendance_code
    on
        session.school_id = attendance_code.school_id
        and session.code = attendance_code.code
        and session.session_date between attendance_code.valid_from and attendance_code.valid_to
