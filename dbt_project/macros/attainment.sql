{#- What may stand for a pupil's prior attainment, best first; orchestration.estimates.fallback.ORDER, held to it by a test,
    and the measures of the other stages, which have no substitute. -#}
{% macro prior_measures() -%}
  {{ return([
    'ks2_mean', 'ks4_mean', 'ks1_mean', 'ks1', 'standardised_test', 'teacher_assessment', 'school', 'national'
  ]) }}
{%- endmacro %}

{% macro prior_measure_array() -%}
  string_to_array('{{ prior_measures() | join(' ') }}', ' ')
{%- endmacro %}

{#- National curriculum year in which pupils are examined at the end of a stage of estimates. -#}
{% macro last_year_of_stage(stage) -%}
  case {{ stage }} when 'ks1_ks2' then 6 when 'ks2_ks4' then 11 else 13 end
{%- endmacro %}

{#- Summer of the year in which a pupil of usual age is examined at the end of NC year 6, 11 or 13: born from September
    2009 to August 2010, Year 6 ends in 2021 and Year 11 in 2026. -#}
{% macro summer_of_year(date_of_birth, year_order) -%}
  (extract(year from {{ date_of_birth }} + interval '4 months')::integer + {{ year_order }} + 5)
{%- endmacro %}
