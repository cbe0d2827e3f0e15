with

attendance_code as (

    select * from {{ ref('attendance_code') }}

)

select
    school_id,
    code,
    valid_from,
    valid_to,
    description,
    meaning
from attendance_code
