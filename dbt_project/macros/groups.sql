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
