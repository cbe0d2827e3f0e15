with

staff_role as (

    select * from {{ ref('stg_staff_role') }}

)

select
    school_id,
    staff_id,
    role_id,
    role,
    start_date,
    end_date
from staff_role
