{#- Base tables that several purposes have alike. Each purpose has its own copy, for a mart never reads another purpose's
    mart; current_only keeps the pupils on roll, where the purpose is about current pupils. -#}

{#- `characteristics`: which of the pupil's, for attendance asks for more. -#}
{% macro pupil_mart(
    current_only, characteristics=['is_fsm6', 'is_disadvantaged', 'sen_status', 'is_eal', 'ethnicity_group']
) -%}
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
    pupil.is_on_roll
    {%- for name in characteristics %},
    characteristics.{{ name }}
    {%- endfor %}
from pupil
left join characteristics
    on
        pupil.school_id = characteristics.school_id
        and pupil.pupil_key = characteristics.pupil_key
{%- if current_only %}
where pupil.is_on_roll
{%- endif %}
{%- endmacro %}

{% macro pupil_name_mart(current_only) -%}
with

pupil as (

    select * from {{ ref('pupil') }}

),

pupil_name as (

    select * from {{ ref('pupil_name') }}

)

select
    pupil.school_id,
    pupil.pupil_key,
    pupil_name.forename,
    pupil_name.surname,
    pupil.upn
from pupil
inner join pupil_name
    on
        pupil.school_id = pupil_name.school_id
        and pupil.pupil_key = pupil_name.pupil_key
{%- if current_only %}
where pupil.is_on_roll
{%- endif %}
{%- endmacro %}

{% macro group_pupil_mart(current_only) -%}
with

group_pupil as (

    select * from {{ ref('group_pupil') }}

),

pupil as (

    select * from {{ ref('pupil') }}

)

select
    group_pupil.school_id,
    group_pupil.group_id,
    group_pupil.pupil_key
from group_pupil
inner join pupil
    on
        group_pupil.school_id = pupil.school_id
        and group_pupil.pupil_key = pupil.pupil_key
{%- if current_only %}
where pupil.is_on_roll
{%- endif %}
{%- endmacro %}

{% macro result_mart(current_only) -%}
with

result as (

    select * from {{ ref('result') }}

),

pupil as (

    select * from {{ ref('pupil') }}

)

select
    result.school_id,
    result.result_id,
    result.pupil_key,
    result.aspect,
    result.result_type,
    result.result_set,
    result.result_date,
    result.result_value
from result
inner join pupil
    on
        result.school_id = pupil.school_id
        and result.pupil_key = pupil.pupil_key
{%- if current_only %}
where pupil.is_on_roll
{%- endif %}
{%- endmacro %}

{#- The kinds that the purposes' pupil marts show as they stand now. -#}
{% macro pupil_status_history_mart() -%}
with

pupil_status_history as (

    select * from {{ ref('pupil_status_history') }}

)

select
    school_id,
    pupil_key,
    kind,
    code,
    start_date,
    end_date,
    told_by,
    is_start_known
from pupil_status_history
where kind in ('fsm', 'sen')
{%- endmacro %}
