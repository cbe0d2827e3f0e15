with

enrolment as (

    select * from {{ ref('stg_pupil') }}

),

-- The latest enrolment speaks for the pupil: on roll before leavers, then the one that began last.
latest as (

    select distinct on (school_id, person_id)
        school_id,
        person_id,
        upn,
        sex,
        date_of_birth,
        nc_year,
        is_part_time,
        not is_leaver and end_date is null as is_on_roll,
        end_date
    from enrolment
    order by school_id asc, person_id asc, is_leaver asc, start_date desc nulls last, pupil_id desc

),

first_admission as (

    select
        school_id,
        person_id,
        min(start_date) as first_start_date
    from enrolment
    group by school_id, person_id

)

select
    latest.school_id,
    {{ stable_key('latest.person_id') }} as pupil_key,
    latest.person_id,
    latest.upn,
    latest.sex,
    latest.date_of_birth,
    latest.nc_year,
    latest.is_part_time,
    latest.is_on_roll,
    first_admission.first_start_date,
    latest.end_date as last_end_date
from latest
inner join first_admission
    on
        latest.school_id = first_admission.school_id
        and latest.person_id = first_admission.person_id
