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

{#- The characteristic that a group is made from, by its column; a year group is nobody's to withhold. -#}
{% macro group_attribute(group) -%}
  {{ return({'sex': 'sex', 'sen': 'sen_status', 'ethnicity': 'ethnicity_group'}.get(group, 'is_' ~ group)) }}
{%- endmacro %}

{#- A school's words for a null, a column a group: "not recorded", "not permitted", or "not known" which of the two. Of the CTE
    attribute_permission. -#}
{% macro null_words() -%}
    select
        school_id
        {%- for group in pupil_groups() if group != 'year_group' %},
        max(null_means) filter (where attribute = '{{ group_attribute(group) }}') as {{ group }}
        {%- endfor %}
    from attribute_permission
    group by school_id
{%- endmacro %}

{#- A pupil's value of a group, or the word for a null of the school; null is not "no". -#}
{% macro group_value(value, group) -%}
  coalesce({{ value }}::text, {{ 'null_word.' ~ group ~ ', ' if group != 'year_group' }}'not known')
{%- endmacro %}
