with

sen_need as (

    select * from {{ ref('stg_pupil_sen_need') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

-- Two enrolments of one pupil may have the same need.
need as (

    select distinct on (sen_need.school_id, enrolment.pupil_key, sen_need.need_id)
        sen_need.school_id,
        enrolment.pupil_key,
        sen_need.need_id,
        sen_need.need_type,
        sen_need.rank,
        sen_need.start_date,
        sen_need.end_date,
        sen_need.need_id like 'file:%' as came_in_a_file
    from sen_need
    inner join enrolment
        on
            sen_need.school_id = enrolment.school_id
            and sen_need.pupil_id = enrolment.pupil_id
    order by
        sen_need.school_id asc, enrolment.pupil_key asc, sen_need.need_id asc, enrolment.is_leaver asc,
        enrolment.start_date desc nulls last, enrolment.pupil_id desc

)

-- What a former school's file says is of use until the school's own MIS knows the need.
select
    need.school_id,
    need.pupil_key,
    need.need_id,
    need.need_type,
    need.rank,
    need.start_date,
    need.end_date
from need
left join need as own
    on
        need.came_in_a_file
        and not own.came_in_a_file
        and need.school_id = own.school_id
        and need.pupil_key = own.pupil_key
        and need.need_type = own.need_type
where own.need_id is null
