{#- Absence of a row that comes with reasons and with supplied totals (census, CTF): the reasons, unless they are fewer
    than the totals (methodology 3.2 [H]). Registers have reasons alone and do not need it. -#}
{% macro census_absence(reasons, authorised, unauthorised) -%}
  greatest({{ reasons }}, {{ authorised }} + {{ unauthorised }})
{%- endmacro %}
