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
    national_phase,
    la_name,
    region_code,
    region_name,
    trust_uid,
    trust_name
from school
