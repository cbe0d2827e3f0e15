{#- The groups of a pupil: (place, name, value) for a lateral join. `year_group` is the pupil's of the year, the others are
    of the relation with characteristics, as they stand now. Null is "not known", which is not "no". -#}
{% macro pupil_groups(year_group, sex, characteristics) -%}
  (
        values
        (0, 'all', 'all'),
        (1, 'year_group', coalesce({{ year_group }}, 'not known')),
        (2, 'sex', coalesce({{ sex }}, 'not known')),
        {%- for name in ['fsm', 'fsm6', 'disadvantaged', 'eal', 'looked_after'] %}
        ({{ loop.index + 2 }}, '{{ name }}', coalesce({{ characteristics }}.is_{{ name }}::text, 'not known')),
        {%- endfor %}
        (8, 'sen', coalesce({{ characteristics }}.sen_status, 'not known')),
        (9, 'ethnicity', coalesce({{ characteristics }}.ethnicity_group, 'Not known'))
    ) as pupil_group (group_place, group_name, group_value)
{%- endmacro %}
