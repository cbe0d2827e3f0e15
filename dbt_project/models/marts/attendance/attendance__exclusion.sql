with

exclusion as (

    select * from {{ ref('exclusion') }}

)

select
    school_id,
    exclusion_id,
    pupil_key,
    academic_year,
    exclusion_type,
    reason_code,
    reason,
    start_date,
    end_date,
    sessions
from exclusion
