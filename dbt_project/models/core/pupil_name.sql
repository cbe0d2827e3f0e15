with

enrolment as (

    select * from {{ ref('stg_pupil') }}

)

select distinct on (school_id, upi)
    school_id,
    {{ stable_key('upi') }} as pupil_key,
    forename,
    surname,
    legal_forename,
    legal_surname
from enrolment
order by school_id asc, upi asc, is_leaver asc, start_date desc nulls last, pupil_id desc
