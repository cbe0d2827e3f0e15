with

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

)

select
    pupil.school_id,
    pupil.pupil_key,
    pupil.sex,
    pupil.nc_year,
    pupil.is_on_roll,
    characteristics.is_fsm,
    characteristics.is_fsm6,
    characteristics.is_disadvantaged,
    characteristics.sen_status,
    characteristics.is_eal,
    characteristics.ethnicity_group,
    characteristics.enrolment_status
from pupil
left join characteristics
    on
        pupil.school_id = characteristics.school_id
        and pupil.pupil_key = characteristics.pupil_key
