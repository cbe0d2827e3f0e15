{#- A pupil's key: 48 bits of the md5 of the partner's stable person key.

    It depends on nothing but its input, so a rebuild from raw, another cluster and another year give the same key, and
    no table of numbers handed out has to be kept, sharded or erased. It is only ever used with school_id. Among the
    3,000 pupils a school sees in ten years two share a key with probability 1.6e-8, and then the primary key of
    core.pupil stops the build. 48 bits, because a spreadsheet and JavaScript hold 15 digits exactly. -#}
{% macro stable_key(expression) -%}
  ('x' || substr(md5({{ expression }}), 1, 12))::bit(48)::bigint
{%- endmacro %}
