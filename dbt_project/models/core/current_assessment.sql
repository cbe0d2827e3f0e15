with

attainment as (

    select * from {{ ref('attainment') }}

),

current_year as (

    select * from {{ ref('current_year') }}

)

select distinct on (attainment.school_id, attainment.pupil_key, attainment.qualification, attainment.subject)
    attainment.school_id,
    attainment.pupil_key,
    attainment.qualification,
    attainment.subject,
    attainment.academic_year,
    attainment.result_id,
    attainment.scale,
    attainment.grade,
    attainment.points,
    attainment.aspect,
    attainment.result_date
from attainment
inner join current_year
    on
        attainment.school_id = current_year.school_id
        and attainment.academic_year = current_year.academic_year
where
    attainment.kind = 'current' and attainment.mapping = 'mapped' and attainment.points is not null
    and not attainment.is_no_result
order by
    attainment.school_id asc, attainment.pupil_key asc, attainment.qualification asc, attainment.subject asc,
    attainment.result_date desc, attainment.result_id desc
