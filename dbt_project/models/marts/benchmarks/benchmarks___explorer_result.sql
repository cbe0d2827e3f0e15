with

pupil as (

    select * from {{ ref('pupil') }}

),

school as (

    select * from {{ ref('school') }}

),

attainment as (

    select * from {{ ref('attainment') }}

),

current_assessment as (

    select * from {{ ref('current_assessment') }}

),

pupil_elsewhere as (

    select * from {{ ref('pupil_elsewhere') }}

),

on_roll as (

    select
        school_id,
        pupil_key
    from pupil
    where is_on_roll

),

own as (

    select
        attainment.school_id,
        attainment.pupil_key,
        attainment.school_id as at_school_id,
        attainment.result_id,
        attainment.mapping,
        attainment.kind,
        attainment.qualification,
        attainment.subject,
        attainment.grade,
        attainment.points,
        attainment.aspect,
        attainment.result_value,
        attainment.result_date,
        attainment.academic_year
    from attainment
    inner join on_roll
        on
            attainment.school_id = on_roll.school_id
            and attainment.pupil_key = on_roll.pupil_key
    left join current_assessment
        on
            attainment.school_id = current_assessment.school_id
            and attainment.result_id = current_assessment.result_id
    where
        attainment.mapping in ('mapped', 'aspect not mapped', 'grade not on the scale')
        and coalesce(attainment.grade, attainment.result_value) is not null
        and current_assessment.result_id is null

),

-- Statutory results go with the pupil from school to school; what a teacher said there does not. A school that has been
-- sent the same result holds it itself.
elsewhere as (

    select
        pupil_elsewhere.school_id,
        pupil_elsewhere.pupil_key,
        attainment.school_id as at_school_id,
        attainment.result_id,
        attainment.mapping,
        attainment.kind,
        attainment.qualification,
        attainment.subject,
        attainment.grade,
        attainment.points,
        attainment.aspect,
        attainment.result_value,
        attainment.result_date,
        attainment.academic_year
    from pupil_elsewhere
    inner join attainment
        on
            pupil_elsewhere.other_school_id = attainment.school_id
            and pupil_elsewhere.other_pupil_key = attainment.pupil_key
    left join own
        on
            pupil_elsewhere.school_id = own.school_id
            and pupil_elsewhere.pupil_key = own.pupil_key
            and attainment.qualification = own.qualification
            and attainment.subject = own.subject
            and attainment.grade = own.grade
            and attainment.academic_year is not distinct from own.academic_year
    where attainment.kind = 'statutory' and attainment.mapping = 'mapped' and own.pupil_key is null

),

line as (

    select * from own
    union all
    select * from elsewhere

)

select
    line.school_id,
    line.pupil_key,
    'result' as section,
    {{ explorer_position(
        'line.result_date desc nulls last, line.qualification, line.subject, line.at_school_id, line.result_id',
        within='line.school_id, line.pupil_key'
    ) }},
    line.academic_year,
    line.qualification,
    line.subject,
    case line.kind
        when 'statutory' then 'Statutory result'
        when 'standardised' then 'Standardised test'
        when 'current' then 'Earlier assessment'
        else coalesce(line.aspect, 'Result')
    end as item,
    coalesce(line.grade, line.result_value) as value,
    line.points::double precision as number,
    case when line.points is not null then 'points' end as unit,
    line.result_date as as_of,
    case
        when line.at_school_id <> line.school_id then 'From ' || school.school_name
        when line.mapping <> 'mapped' then concat_ws(': ', line.aspect, line.mapping)
        else line.aspect
    end as note
from line
inner join school
    on line.at_school_id = school.school_id
