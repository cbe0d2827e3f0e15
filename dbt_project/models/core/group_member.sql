with

register as (

    select * from {{ ref('register') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

)

select
    register.school_id,
    register.pupil_key,
    register.academic_year,
    coalesce(register.year_group, 'not known') as year_group,
    coalesce(pupil.sex, 'not known') as sex,
    coalesce(characteristics.is_fsm::text, 'not known') as fsm,
    coalesce(characteristics.is_fsm6::text, 'not known') as fsm6,
    coalesce(characteristics.is_disadvantaged::text, 'not known') as disadvantaged,
    coalesce(characteristics.sen_status, 'not known') as sen,
    coalesce(characteristics.is_eal::text, 'not known') as eal,
    coalesce(characteristics.ethnicity_group, 'not known') as ethnicity,
    coalesce(characteristics.is_looked_after::text, 'not known') as looked_after,
    register.counted_places,
    register.marks,
    register.missing,
    register.fingerprint as register_fingerprint
from register
inner join pupil
    on
        register.school_id = pupil.school_id
        and register.pupil_key = pupil.pupil_key
left join characteristics
    on
        register.school_id = characteristics.school_id
        and register.pupil_key = characteristics.pupil_key
where register.is_statistical
