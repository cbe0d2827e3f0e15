{#- The values of a pupil's groups, (group_name, group_value) for a lateral join, with the total. `year_group` is the
    pupil's of the year, the others are of the relation with characteristics, as they stand now. Null is "not known",
    which is not "no". The same groups as core.group_member has for the statistical pupils. -#}
{% macro pupil_group_values(year_group, sex, characteristics) -%}
  {%- set columns = {
    'year_group': year_group, 'sex': sex, 'sen': characteristics ~ '.sen_status',
    'ethnicity': characteristics ~ '.ethnicity_group'
  } -%}
  (
        values
        ('all', 'all')
        {%- for group in pupil_groups() %},
        ('{{ group }}', coalesce({{ columns.get(group, characteristics ~ '.is_' ~ group) }}::text, 'not known'))
        {%- endfor %}
    ) as pupil_group (group_name, group_value)
{%- endmacro %}
