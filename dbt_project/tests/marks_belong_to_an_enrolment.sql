-- Pupils with marks and without a record.
with

register_year as (

    select * from {{ ref('register_year') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

marked as (

    select
        school_id,
        pupil_id,
        sum(length(replace(marks, ' ', ''))) as marks
    from register_year
    group by school_id, pupil_id

)

select
    marked.school_id,
    marked.pupil_id,
    marked.marks
from marked
left join enrolment
    on
        marked.school_id = enrolment.school_id
        and marked.pupil_id = enrolment.pupil_id
where enrolment.pupil_id is null and marked.marks > 0
