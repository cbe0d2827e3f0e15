with

national_attendance as (

    select * from {{ ref('national_attendance') }}

)

select
    academic_year,
    national_phase,
    measure,
    rate,
    release,
    source
from national_attendance
