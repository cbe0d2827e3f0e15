with

group_pupil as (

    select * from {{ ref('stg_group_pupil') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

)

-- distinct: two enrolments of one pupil may be in the same group.
select distinct
    group_pupil.school_id,
    group_pupil.group_id,
    enrolment.pupil_key
from group_pupil
inner join enrolment
    on
        group_pupil.school_id = enrolment.school_id
        and group_pupil.pupil_id = enrolment.pupil_id
