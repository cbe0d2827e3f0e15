{#- The last academic year whose all-schools total DfE weights by phase; from the next it is the plain sum of sessions
    (release notes of the attendance dashboard, methodology 3.6). -#}
{% macro last_weighted_year() -%} 202425 {%- endmacro %}

{#- A part of each phase in per cent, weighted: sum(rate x weight) / sum(weight). Rows without a possible session have no
    rate and lend no weight. Rounded once, at the end. -#}
{% macro weighted_percentage(part, whole, weight, places=6) -%}
  {{ weighted_rate('100 * ' ~ part ~ '::numeric / nullif(' ~ whole ~ ', 0)', weight, places) }}
{%- endmacro %}

{#- Rates that come without their counts, weighted in the same way. -#}
{% macro weighted_rate(rate, weight, places=6) -%}
  round(
        sum(({{ rate }}) * {{ weight }}) / nullif(sum({{ weight }}) filter (where {{ rate }} is not null), 0), {{ places }}
    )
{%- endmacro %}

{#- The phase under which a school stands in DfE's figures of areas: all-through schools are filed under secondary there,
    and schools of no phase stand in no total. -#}
{% macro area_phase(relation) -%}
  case {{ relation }}.national_phase when 'Total' then 'Secondary' else {{ relation }}.national_phase end
{%- endmacro %}

{#- Third Thursday of January of an academic year: the day of the spring census. -#}
{% macro spring_census_day(academic_year) -%}
  (
    make_date({{ academic_year }} / 100 + 1, 1, 15)
    + (11 - extract(isodow from make_date({{ academic_year }} / 100 + 1, 1, 15))::integer) % 7
  )
{%- endmacro %}
