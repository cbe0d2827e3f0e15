{#- The values of a pupil's groups, (group_name, group_value) for a lateral join, with the total. `year_group` is the
    pupil's of the year, the others are of the relation with characteristics, as they stand now; the words for nulls are of
    null_word, see null_words. The same groups as core.group_member has for the statistical pupils. -#}
{% macro pupil_group_values(year_group, sex, characteristics) -%}
  {%- set columns = {'year_group': year_group, 'sex': sex} -%}
  (
        values
        ('all', 'all')
        {%- for group in pupil_groups() %},
        ('{{ group }}', {{ group_value(columns.get(group, characteristics ~ '.' ~ group_attribute(group)), group) }})
        {%- endfor %}
    ) as pupil_group (group_name, group_value)
{%- endmacro %}
