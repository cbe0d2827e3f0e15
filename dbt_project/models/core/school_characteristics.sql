with

census_roll as (

    select * from {{ ref('census_roll') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

)

select
    census_roll.school_id,
    census_roll.academic_year,
    census_roll.census_date,
    count(*)::integer as roll,
    count(characteristics.is_fsm6)::integer as fsm6_known,
    (count(*) filter (where characteristics.is_fsm6))::integer as fsm6_pupils,
    count(characteristics.sen_status)::integer as sen_known,
    (count(*) filter (where characteristics.sen_status = 'K'))::integer as sen_support_pupils,
    (count(*) filter (where characteristics.sen_status = 'E'))::integer as ehcp_pupils,
    count(characteristics.is_eal)::integer as eal_known,
    (count(*) filter (where characteristics.is_eal))::integer as eal_pupils
from census_roll
left join characteristics
    on
        census_roll.school_id = characteristics.school_id
        and census_roll.pupil_key = characteristics.pupil_key
group by census_roll.school_id, census_roll.academic_year, census_roll.census_date
