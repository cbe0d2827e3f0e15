with

pupil as (

    select * from {{ ref('stg_pupil') }}

)

select
    school_id,
    pupil_id,
    {{ stable_key('person_id') }} as pupil_key,
    start_date,
    end_date,
    is_leaver,
    count(*) over (partition by school_id, person_id) = 1 as is_only_enrolment
from pupil
