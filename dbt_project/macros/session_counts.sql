{#- A column's name, with its relation where there is more than one. -#}
{% macro column(relation, name) -%}
  {{ relation ~ '.' ~ name if relation else name }}
{%- endmacro %}

{#- How many of a row's two sessions have one of the meanings (am_meaning, pm_meaning; null when there was no session).
    With the list below the one place where a meaning becomes a measure. -#}
{% macro session_count(meanings) -%}
  (
        case when am_meaning in ({{ meanings }}) then 1 else 0 end
        + case when pm_meaning in ({{ meanings }}) then 1 else 0 end
    )::smallint
{%- endmacro %}

{#- The counts of a day, by name. late_sessions goes by code, as DfE has it: L is present, U is absent. -#}
{% macro day_counts() -%}
  {%- for count, meanings in [
    ('possible', "'present', 'approved', 'authorised', 'unauthorised', 'covid'"),
    ('attended', "'present', 'approved'"),
    ('present', "'present'"),
    ('approved_activity', "'approved'"),
    ('absence', "'authorised', 'unauthorised'"),
    ('authorised', "'authorised'"),
    ('unauthorised', "'unauthorised'"),
    ('covid', "'covid'"),
    ('not_possible', "'not_possible'"),
    ('missing', "'missing'"),
    ('unclassified', "'unclassified'")
  ] %}
    {{ session_count(meanings) }} as {{ count }}_sessions,
  {%- endfor %}
    (
        case when am_code in ('L', 'U') then 1 else 0 end + case when pm_code in ('L', 'U') then 1 else 0 end
    )::smallint as late_sessions
{%- endmacro %}

{#- The counts of days, summed. Like the macros below, of the relation's columns, or of the only relation's. -#}
{% macro summed_counts(relation=none) -%}
  {%- for count in [
    'possible', 'attended', 'present', 'approved_activity', 'absence', 'authorised', 'unauthorised', 'covid',
    'not_possible', 'missing', 'unclassified', 'late'
  ] %}
    sum({{ column(relation, count ~ '_sessions') }})::integer as {{ count }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Sessions by reason: of days, counted by register code. -#}
{% macro reason_counts(relation=none) -%}
  {%- for reason, codes in [
    ('late_after_register', "'U'"), ('illness', "'I'"), ('appointment', "'M'"), ('suspended', "'E'"),
    ('agreed_holiday', "'H', 'F'"), ('unauthorised_holiday', "'G'"), ('no_reason', "'N'"), ('other_unauthorised', "'O'")
  ] %}
    (
        count(*) filter (where {{ column(relation, 'am_code') }} in ({{ codes }}))
        + count(*) filter (where {{ column(relation, 'pm_code') }} in ({{ codes }}))
    )::integer as {{ reason }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Sessions by reason, summed over rows that have them. -#}
{% macro summed_reasons(relation=none) -%}
  {%- for reason in [
    'late_after_register', 'illness', 'appointment', 'suspended', 'agreed_holiday', 'unauthorised_holiday', 'no_reason',
    'other_unauthorised'
  ] %}
    sum({{ column(relation, reason ~ '_sessions') }})::integer as {{ reason }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Part in per cent of whole, from counts: summed before, divided here, rounded half away from zero (numeric). Published
    rates have six places; the tests against DfE's own ask for more. -#}
{% macro percentage(part, whole, places=6) -%}
  round(100 * {{ part }}::numeric / nullif({{ whole }}, 0), {{ places }})
{%- endmacro %}

{#- The four rates of a row with counts. -#}
{% macro session_rates(relation=none, places=6) -%}
  {%- for rate, part in [
    ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'), ('unauthorised', 'unauthorised')
  ] %}
    {{ percentage(column(relation, part ~ '_sessions'), column(relation, 'possible_sessions'), places) }} as {{ rate }}_rate
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Names of the columns of day_counts() and reason_counts(), in order. -#}
{% macro count_columns(relation=none) -%}
  {%- for count in session_count_names() %}
    {{ column(relation, count ~ '_sessions') }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- The names of the counts of sessions, as count_columns() has them. -#}
{% macro session_count_names() -%}
  {{ return([
    'possible', 'attended', 'present', 'approved_activity', 'absence', 'authorised', 'unauthorised', 'covid',
    'not_possible', 'missing', 'unclassified', 'late', 'late_after_register', 'illness', 'appointment', 'suspended',
    'agreed_holiday', 'unauthorised_holiday', 'no_reason', 'other_unauthorised'
  ]) }}
{%- endmacro %}
