with

teaching_group as (

    select * from {{ ref('teaching_group') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

known_year as (

    select
        school_id,
        academic_year
    from teaching_group
    where group_kind = 'CLASS' and academic_year is not null
    union all
    select
        school_id,
        academic_year
    from school_day

)

select
    school_id,
    max(academic_year) as academic_year
from known_year
group by school_id
