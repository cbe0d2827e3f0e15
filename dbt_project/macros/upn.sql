{#- Whether a text is a permanent UPN: a check letter that agrees, and twelve digits. A temporary one ends in a letter, and a
    mistyped one does not agree. orchestration.targets.upn says the same in Python. -#}
{% macro is_permanent_upn(upn) -%}
  case
        when {{ upn }} ~ '^[A-HJ-NP-RT-Z][0-9]{12}$'
            then left({{ upn }}, 1) = substr(
                'ABCDEFGHJKLMNPQRTUVWXYZ', 1 + (
                    {%- for place in range(2, 14) %}
                    {{ '+ ' if not loop.first }}{{ place }} * substr({{ upn }}, {{ place }}, 1)::integer
                    {%- endfor %}
                ) % 23, 1
            )
        else false
    end
{%- endmacro %}

{#- A pupil of the platform as one text, for labels over schools. -#}
{% macro pupil_label(relation) -%}
  {{ relation }}.school_id || '.' || {{ relation }}.pupil_key
{%- endmacro %}

{#- Last day of an enrolment; the last of all while it lasts, and of a leaver without a date the first. -#}
{% macro last_day(enrolment) -%}
  coalesce(
            {{ enrolment }}.end_date,
            case when {{ enrolment }}.is_leaver then {{ enrolment }}.start_date else date '9999-12-31' end
        )
{%- endmacro %}
