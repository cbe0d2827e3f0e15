with

school as (

    select * from {{ ref('stg_school') }}

)

select
    school_id,
    school_name,
    urn,
    la_code,
    laestab,
    phase,
    national_phase,
    mis,
    state,
    has_custom_codes
from school
