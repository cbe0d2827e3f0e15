with

school as (

    select * from {{ ref('school') }}

)

select
    school_id,
    school_name,
    urn,
    laestab
from school
