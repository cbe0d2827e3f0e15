with

teaching_group as (

    select * from {{ ref('stg_teaching_group') }}

)

select
    school_id,
    group_id,
    group_kind,
    group_code,
    group_name,
    subject_id,
    nc_year,
    academic_year
from teaching_group
