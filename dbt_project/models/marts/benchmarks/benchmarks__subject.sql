with

subject as (

    select * from {{ ref('subject') }}

)

select
    school_id,
    subject_id,
    subject_code,
    subject_name
from subject
