{#- Before an incremental model: what it keeps of schools that are not among ``schools`` any more, because they have
    withdrawn. One that approves again is made anew. -#}
{% macro forget_withdrawn(schools) -%}
  {%- if is_incremental() -%}
    delete from {{ this }} where school_id not in (select school_id from {{ schools }})
  {%- else -%}
    select 1
  {%- endif -%}
{%- endmacro %}
