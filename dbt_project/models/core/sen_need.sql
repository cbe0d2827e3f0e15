with

sen_need as (

    select * from {{ ref('stg_pupil_sen_need') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

)

-- Two enrolments of one pupil may have the same need.
select distinct on (sen_need.school_id, enrolment.pupil_key, sen_need.need_id)
    sen_need.school_id,
    enrolment.pupil_key,
    sen_need.need_id,
    sen_need.need_type,
    sen_need.rank,
    sen_need.start_date,
    sen_need.end_date
from sen_need
inner join enrolment
    on
        sen_need.school_id = enrolment.school_id
        and sen_need.pupil_id = enrolment.pupil_id
order by
    sen_need.school_id asc, enrolment.pupil_key asc, sen_need.need_id asc, enrolment.is_leaver asc,
    enrolment.start_date desc nulls last, enrolment.pupil_id desc
