with

result as (

    select * from {{ ref('stg_result') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

aspect as (

    select * from {{ ref('stg_aspect') }}

),

result_set as (

    select * from {{ ref('stg_result_set') }}

)

select
    result.school_id,
    result.result_id,
    enrolment.pupil_key,
    result.aspect_id,
    aspect.aspect,
    aspect.result_type,
    result_set.result_set,
    coalesce(result.result_date, result_set.end_date) as result_date,
    result.result_value
from result
inner join enrolment
    on
        result.school_id = enrolment.school_id
        and result.pupil_id = enrolment.pupil_id
left join aspect
    on
        result.school_id = aspect.school_id
        and result.aspect_id = aspect.aspect_id
left join result_set
    on
        result.school_id = result_set.school_id
        and result.result_set_id = result_set.result_set_id
