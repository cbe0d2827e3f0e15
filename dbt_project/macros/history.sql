{#- When the platform learned what an extract brought: the partner's clock, in UTC, where it tells it. An extract that is not
    in the ledger any more leaves the time of the build. -#}
{% macro learned_at(extract) -%}
  (coalesce({{ extract }}.as_at, {{ extract }}.started_at, now()) at time zone 'UTC')
{%- endmacro %}

{#- Whether a dated span held on any day of the years before a date, that day included: "FSM in the last six years". -#}
{% macro held_in_years_before(span, on_date, years) -%}
  (
        {{ span }}.start_date <= {{ on_date }}
        and ({{ span }}.end_date is null or {{ span }}.end_date > ({{ on_date }} - interval '{{ years }} years')::date)
    )
{%- endmacro %}
