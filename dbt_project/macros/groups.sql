{#- The groups of pupils, in the order in which two of them are crossed: the earlier one is group_1. -#}
{% macro pupil_groups() -%}
  {{ return([
    'year_group', 'sex', 'fsm', 'fsm6', 'disadvantaged', 'sen', 'eal', 'ethnicity', 'looked_after'
  ]) }}
{%- endmacro %}

{#- A pupil's values of all groups, as columns. -#}
{% macro group_columns(relation=none) -%}
  {%- for group in pupil_groups() %}
    {{ column(relation, group) }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- What is kept of schools and years that have no statistical pupil any more goes before the others are counted. -#}
{% macro forget_vanished_years() -%}
  {%- set input = ref('group_input') -%}
  {%- if is_incremental() -%}
    delete from {{ this }} as held
    where not exists (
        select from {{ input }} as present
        where present.school_id = held.school_id and present.academic_year = held.academic_year
    )
  {%- else -%}
    select 1
  {%- endif -%}
{%- endmacro %}

{#- Years of schools to count again: those whose inputs (core.group_input) are others than what the model was counted from. -#}
{% macro stale_school_years() -%}
{% if is_incremental() %}

held as not materialized (

    select * from {{ this }}

),

stale as (

    select
        group_input.school_id,
        group_input.academic_year,
        group_input.fingerprint
    from group_input
    left join lateral (
        select held.fingerprint
        from held
        where held.school_id = group_input.school_id and held.academic_year = group_input.academic_year
        limit 1
    ) as counted_before on true
    where counted_before.fingerprint is distinct from group_input.fingerprint

),

{% else %}

stale as (

    select
        school_id,
        academic_year,
        fingerprint
    from group_input

),

{% endif %}
{%- endmacro %}
