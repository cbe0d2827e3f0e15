with

enrolment as (

    select * from {{ ref('stg_pupil') }}

)

select distinct on (school_id, person_id)
    school_id,
    {{ stable_key('person_id') }} as pupil_key,
    forename,
    surname,
    legal_forename,
    legal_surname
from enrolment
order by school_id asc, person_id asc, is_leaver asc, start_date desc nulls last, pupil_id desc
