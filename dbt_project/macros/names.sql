{#- The schema is the configured one. dbt's own rule puts the profile's schema before it (core_staging), and roles and
    published views are granted by schema name. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

{#- A model's name is unique in the project, a relation's only in its schema: tracking__pupil is build_tracking.pupil. -#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
  {{ (custom_alias_name or node.name.split('__')[-1]) | trim }}
{%- endmacro %}

{#- A word as it is compared: without case, spaces and punctuation. "?" stays, for it is a code. -#}
{% macro letters_only(expression) -%}
  regexp_replace(upper({{ expression }}), '[^A-Z?]', '', 'g')
{%- endmacro %}
