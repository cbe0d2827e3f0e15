-- Days on which a pupil was present before admission or after leaving.
with

pupil_day as (

    select * from {{ ref('pupil_day') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

)

select
    pupil_day.school_id,
    pupil_day.pupil_id,
    pupil_day.session_date,
    enrolment.start_date,
    enrolment.end_date
from pupil_day
inner join enrolment
    on
        pupil_day.school_id = enrolment.school_id
        and pupil_day.pupil_id = enrolment.pupil_id
where
    (pupil_day.session_date < enrolment.start_date or pupil_day.session_date > enrolment.end_date)
    and (pupil_day.am_code in ('/', '\', 'L') or pupil_day.pm_code in ('/', '\', 'L'))
