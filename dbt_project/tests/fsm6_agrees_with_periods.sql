-- Pupils of whom the MIS says "not in the last six years" beside a period of free school meals in them.
with

version as (

    select * from {{ ref('snapshot__pupil_status') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

pupil_status_history as (

    select * from {{ ref('pupil_status_history') }}

)

-- As at the day on which the answer came: a new period of theirs would bring a new one.
select
    enrolment.school_id,
    enrolment.pupil_key,
    version.known_from,
    pupil_status_history.start_date,
    pupil_status_history.end_date
from version
inner join enrolment
    on
        version.school_id = enrolment.school_id
        and version.pupil_id = enrolment.pupil_id
inner join pupil_status_history
    on
        enrolment.school_id = pupil_status_history.school_id
        and enrolment.pupil_key = pupil_status_history.pupil_key
where
    version.known_to is null and not version.is_removed
    and not version.fsm6 and not enrolment.is_leaver
    and pupil_status_history.kind = 'fsm' and pupil_status_history.told_by = 'mis'
    and {{ held_in_years_before('pupil_status_history', 'version.known_from::date', 6) }}
