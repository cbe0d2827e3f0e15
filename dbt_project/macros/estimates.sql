{#- Key of the look-up row that stands for a pupil and subject, at all challenge levels. -#}
{% macro basis_key(lookup) -%}
  {{ stable_key(
    "concat_ws('|', " ~ lookup ~ ".run_id, " ~ lookup ~ ".qualification, " ~ lookup ~ ".level, " ~ lookup
    ~ ".subject, " ~ lookup ~ ".sex, " ~ lookup ~ ".prior_measure, " ~ lookup ~ ".prior_value)"
  ) }}
{%- endmacro %}

{#- Chance of at least so many points, from an estimate's lists: that of the lowest grade that has them. -#}
{% macro chance_of_points(relation, points) -%}
  coalesce((
        select reached.chance
        from unnest({{ relation }}.points, {{ relation }}.chances) as reached (points, chance)
        where reached.points >= {{ points }}
        order by reached.points
        limit 1
    ), 0)
{%- endmacro %}

{#- Band of prior attainment at the end of KS2 (methodology 2.1.4): 110 is high. -#}
{% macro prior_band(ks2_mean) -%}
  case when {{ ks2_mean }} < 100 then 'low' when {{ ks2_mean }} < 110 then 'middle' when {{ ks2_mean }} >= 110 then 'high' end
{%- endmacro %}

{#- Before a summary whose groups are joined by many columns. Postgres takes columns for independent, expects a row or none
    where there are thousands, and compares each with each: 13 s where it takes 2 (measured, 15,000 entries). -#}
{% macro by_hash() -%}
  {{ return('set local enable_nestloop = off') }}
{%- endmacro %}
