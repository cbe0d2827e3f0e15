{#- Academic year of a date, written as DfE writes it in time_period: 202425.

    The year is cut on 1 August, not 1 September: schools that begin in the last days of August begin a new year, and no
    school in England holds a session of the old year in August. In whole numbers, because it is asked of every mark: four
    years are 1461 days, and of those that begin on 1 August the fourth is the long one; right from 1900 to 2099. -#}
{% macro academic_year(date_expression) -%}
  {%- set year = "(1900 + (4 * (" ~ date_expression ~ " - date '1900-08-01') + 3) / 1461)" -%}
  ({{ year }} * 100 + ({{ year }} + 1) % 100)
{%- endmacro %}
