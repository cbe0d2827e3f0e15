with

school as (

    select * from {{ ref('school') }}

)

select
    school_id,
    school_name,
    urn,
    la_code,
    laestab,
    phase,
    national_phase
from school
