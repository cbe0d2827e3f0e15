with

subject as (

    select * from {{ ref('stg_subject') }}

)

select
    school_id,
    subject_id,
    subject_code,
    subject_name,
    is_active
from subject
