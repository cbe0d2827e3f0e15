{#- Rows of schools that let us read them: those of a school that has revoked or declined are in no model, from the next
    build on, until it approves again or they are deleted. A school that is only away (offline, paused) stays. -#}
{% macro not_withdrawn() -%}
  school_id not in (
        select withdrawn.school_id from {{ source('ops', 'school') }} as withdrawn
        where withdrawn.state in ('revoked', 'declined')
    )
{%- endmacro %}

{#- Before an incremental model: what it keeps of schools that have withdrawn. One that approves again is made anew. -#}
{% macro forget_withdrawn() -%}
  {%- if is_incremental() -%}
    delete from {{ this }} where not ({{ not_withdrawn() }})
  {%- else -%}
    select 1
  {%- endif -%}
{%- endmacro %}
