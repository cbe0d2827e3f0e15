with

result as (

    select * from {{ ref('result') }}

),

school as (

    select * from {{ ref('school') }}

),

attainment_aspect as (

    select * from {{ ref('attainment_aspect') }}

),

grade_spelling as (

    select * from {{ ref('grade_spelling') }}

),

grade_scale as (

    select * from {{ ref('grade_scale') }}

),

school_aspect as (

    select distinct
        result.school_id,
        school.laestab,
        result.aspect
    from result
    inner join school
        on result.school_id = school.school_id
    where result.aspect is not null

),

-- The school's own row goes before one for all schools, a whole name before a pattern, a longer pattern first.
mapped as (

    select distinct on (school_aspect.school_id, school_aspect.aspect)
        school_aspect.school_id,
        school_aspect.laestab,
        school_aspect.aspect,
        attainment_aspect.stage,
        attainment_aspect.kind,
        attainment_aspect.qualification,
        attainment_aspect.subject,
        attainment_aspect.scale
    from school_aspect
    inner join attainment_aspect
        on
            attainment_aspect.laestab in ('*', school_aspect.laestab)
            and school_aspect.aspect ilike attainment_aspect.aspect
    order by
        school_aspect.school_id asc, school_aspect.aspect asc, attainment_aspect.laestab = '*' asc,
        attainment_aspect.aspect like '%\%%' asc, length(attainment_aspect.aspect) desc, attainment_aspect.aspect asc

),

read as (

    select
        result.school_id,
        result.result_id,
        result.pupil_key,
        result.aspect,
        result.result_value,
        result.result_date,
        mapped.stage,
        mapped.kind,
        mapped.qualification,
        mapped.subject,
        mapped.scale,
        -- "104.0" is 104.
        upper(coalesce(
            own_spelling.grade, common_spelling.grade,
            regexp_replace(trim(result.result_value), '^([0-9]+)[.]0+$', '\1')
        )) as received_grade
    from result
    left join mapped
        on
            result.school_id = mapped.school_id
            and result.aspect = mapped.aspect
    left join grade_spelling as own_spelling
        on
            mapped.laestab = own_spelling.laestab
            and mapped.scale = own_spelling.scale
            and upper(trim(result.result_value)) = upper(own_spelling.received)
    left join grade_spelling as common_spelling
        on
            common_spelling.laestab = '*'
            and mapped.scale = common_spelling.scale
            and upper(trim(result.result_value)) = upper(common_spelling.received)

)

select
    read.school_id,
    read.result_id,
    read.pupil_key,
    case
        when read.kind is null then 'aspect not mapped'
        when read.kind = 'other' then 'not attainment'
        when read.received_grade is null or read.received_grade = '' then 'no value'
        when grade_scale.grade is null then 'grade not on the scale'
        else 'mapped'
    end as mapping,
    read.stage,
    read.kind,
    read.qualification,
    read.subject,
    read.scale,
    grade_scale.grade,
    grade_scale.points,
    grade_scale.ordinal,
    grade_scale.is_no_result,
    read.aspect,
    read.result_value,
    read.result_date,
    -- Examinations of the summer have their results in August.
    {{ academic_year("(read.result_date - interval '1 month')::date") }} as academic_year
from read
left join grade_scale
    on
        read.scale = grade_scale.scale
        and read.received_grade = upper(grade_scale.grade)
        and coalesce(read.result_date, date '9999-12-31') between grade_scale.valid_from and grade_scale.valid_to
