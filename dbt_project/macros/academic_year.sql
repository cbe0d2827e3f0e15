{#- Academic year of a date, written as DfE writes it in time_period: 202425.

    The year is cut on 1 August, not 1 September: schools that begin in the last days of August begin a new year, and no
    school in England holds a session of the old year in August. -#}
{% macro academic_year(date_expression) -%}
  (
    extract(year from ({{ date_expression }} - interval '7 months'))::integer * 100
    + (extract(year from ({{ date_expression }} - interval '7 months'))::integer + 1) % 100
  )
{%- endmacro %}
