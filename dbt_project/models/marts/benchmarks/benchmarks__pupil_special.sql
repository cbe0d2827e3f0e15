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
    characteristics.sen_status,
    characteristics.is_eal,
    characteristics.ethnicity_group
from pupil
left join characteristics
    on
        pupil.school_id = characteristics.school_id
        and pupil.pupil_key = characteristics.pupil_key
where pupil.is_on_roll
