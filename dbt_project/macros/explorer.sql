{#- Parts of the student explorer, whose rows are one thing known of a pupil each. -#}

{#- The column position: place of a row in its pupil's section. `within` is all that it is counted within. -#}
{% macro explorer_position(order_by, within='school_id, pupil_key, section') -%}
  (row_number() over (partition by {{ within }} order by {{ order_by }}))::smallint as position
{%- endmacro %}

{#- A flag as it is printed; null is not known, which is not no. -#}
{% macro yes_or_no(flag) -%}
  case when {{ flag }} then 'yes' when not {{ flag }} then 'no' else 'not known' end
{%- endmacro %}

{#- A date as it is printed; null where there is none. -#}
{% macro printed_date(expression) -%}
  to_char({{ expression }}, 'FMDD FMMonth YYYY')
{%- endmacro %}

{#- A chance of 0 to 1 as it is printed: whole per cent, but never certain. -#}
{% macro printed_chance(chance) -%}
  case
        when {{ chance }} < 0.01 then 'below 1 %'
        when {{ chance }} > 0.99 then 'above 99 %'
        else round((100 * {{ chance }})::numeric) || ' %'
    end
{%- endmacro %}

{#- Points as they are printed, without idle noughts. -#}
{% macro printed_points(points) -%}
  trim_scale(round(({{ points }})::numeric, 2))::text
{%- endmacro %}

{#- A difference of points as it is printed: with its sign. -#}
{% macro printed_gap(points) -%}
  case when {{ points }} > 0 then '+' else '' end || {{ printed_points(points) }}
{%- endmacro %}

{#- A rate in per cent as it is printed. -#}
{% macro printed_rate(rate) -%}
  round({{ rate }}, 1)::text
{%- endmacro %}

{#- A number of sessions as it is printed; null where it is not known. -#}
{% macro printed_sessions(count) -%}
  {{ count }} || case when {{ count }} = 1 then ' session' else ' sessions' end
{%- endmacro %}
