with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

attendance_code as (

    select * from {{ ref('attendance__attendance_code') }}

)

select
    pupil_day.school_id,
    pupil_day.pupil_key,
    pupil_day.session_date,
    half_day.session,
    pupil_day.academic_year,
    half_day.code,
    attendance_code.description,
    coalesce(attendance_code.meaning, 'unclassified') as meaning,
    coalesce(
        attendance_code.meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid'), false
    ) as is_possible,
    coalesce(attendance_code.meaning in ('present', 'approved'), false) as is_attended,
    coalesce(attendance_code.meaning in ('authorised', 'unauthorised'), false) as is_absence,
    half_day.minutes_late
from pupil_day
cross join
    lateral (
        values
        ('AM', pupil_day.am_code, pupil_day.am_minutes_late),
        ('PM', pupil_day.pm_code, pupil_day.pm_minutes_late)
    ) as half_day (session, code, minutes_late)
left join attendance_code
    on
        pupil_day.school_id = attendance_code.school_id
        and half_day.code = attendance_code.code
        and pupil_day.session_date between attendance_code.valid_from and attendance_code.valid_to
where half_day.code is not null
