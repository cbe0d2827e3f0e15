with

teaching_group as (

    select * from {{ ref('teaching_group') }}

)

select
    school_id,
    group_id,
    group_kind,
    group_name,
    subject_id,
    academic_year
from teaching_group
