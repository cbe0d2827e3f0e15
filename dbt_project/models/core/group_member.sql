with

register as (

    select * from {{ ref('register') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

attribute_permission as (

    select * from {{ ref('attribute_permission') }}

),

null_word as (

    {{ null_words() }}

)

select
    register.school_id,
    register.pupil_key,
    register.academic_year,
    {{ group_value('register.year_group', 'year_group') }} as year_group,
    {{ group_value('pupil.sex', 'sex') }} as sex,
    {{ group_value('characteristics.is_fsm', 'fsm') }} as fsm,
    {{ group_value('characteristics.is_fsm6', 'fsm6') }} as fsm6,
    {{ group_value('characteristics.is_disadvantaged', 'disadvantaged') }} as disadvantaged,
    {{ group_value('characteristics.sen_status', 'sen') }} as sen,
    {{ group_value('characteristics.is_eal', 'eal') }} as eal,
    {{ group_value('characteristics.ethnicity_group', 'ethnicity') }} as ethnicity,
    {{ group_value('characteristics.is_looked_after', 'looked_after') }} as looked_after,
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
left join null_word
    on register.school_id = null_word.school_id
where register.is_statistical
