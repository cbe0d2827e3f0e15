{#- Small numbers, hidden when they are published. docs/measures.md tells the rule in words; the variables of
    dbt_project.yml hold its numbers.

    A row's values are hidden in parts, each with flags of its own: the whole row, its absence, the split of its absence,
    its persistent and its severe absentees. What hides the row hides all, what hides absence hides the split. -#}
{% macro suppressed_parts() -%}
  {{ return(['row', 'absence', 'split', 'persistent', 'severe']) }}
{%- endmacro %}

{#- One column a part: is_small_row, is_small_absence, ...; of the relation's columns, or all with one value. -#}
{% macro part_columns(prefix, value=none, relation=none) -%}
  {%- for part in suppressed_parts() %}
    {{ value ~ ' as ' if value else relation ~ '.' if relation }}{{ prefix ~ part }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Parts that add up over time. Pupils do not: whoever is persistently absent in a term need not be in the year. -#}
{% macro parts_of_sessions() -%}
  {{ return(['row', 'absence', 'split']) }}
{%- endmacro %}

{#- A count that is neither zero nor at least so much. -#}
{% macro is_small(expression, minimum) -%}
  {{ expression }} between 1 and {{ var(minimum) }} - 1
{%- endmacro %}

{#- Primary suppression: which parts of a row are small by themselves. -#}
{% macro small_parts(relation, parts=suppressed_parts()) -%}
  {%- set row = is_small(relation ~ '.enrolments', 'suppression_minimum_enrolments') ~ ' or '
      ~ is_small(relation ~ '.possible_sessions', 'suppression_minimum_part') -%}
  {%- set absence = row ~ ' or ' ~ is_small(relation ~ '.attended_sessions', 'suppression_minimum_part') ~ ' or '
      ~ is_small(relation ~ '.absence_sessions', 'suppression_minimum_part') -%}
  {%- set split = absence ~ ' or ' ~ is_small(relation ~ '.authorised_sessions', 'suppression_minimum_part') ~ ' or '
      ~ is_small(relation ~ '.unauthorised_sessions', 'suppression_minimum_part') -%}
  {%- set conditions = {'row': row, 'absence': absence, 'split': split} -%}
  {%- for part in ['persistent', 'severe'] -%}
    {%- do conditions.update({part: row ~ ' or '
        ~ is_small(relation ~ '.' ~ part ~ 'ly_absent_enrolments', 'suppression_minimum_part')}) -%}
  {%- endfor -%}
  {%- for part in parts %}
    coalesce({{ conditions[part] }}, false) as is_small_{{ part }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Secondary suppression of a set that adds up to a published total: where one value alone is hidden, the smallest other
    one is hidden with it. `place` numbers the values of a set from the smallest. -#}
{% macro hidden_in_set(flag, set, place) -%}
  {{ flag }}
        or (
            count(*) filter (where {{ flag }}) over (partition by {{ set }}) = 1
            and {{ place }} = case
                when bool_or({{ flag }} and {{ place }} = 1) over (partition by {{ set }}) then 2 else 1
            end
        )
{%- endmacro %}

{#- Secondary suppression of a table of lines by lines whose margins are published too, or hidden themselves.

    A hidden cell can be worked out when it lies on no closed walk of hidden cells along lines (Gusfield 1988). So whole
    rectangles are hidden: every cell on a line with something hidden in the one direction and on such a line in the
    other, of at least two lines each way. Each hidden cell, and each hidden margin, then lies on a rectangle of four.
    Cells of zero that lie inside are hidden with it, for a gap would open the rectangle.

    `cells` is a relation with one row for each pair of lines, also where it counts nobody: columns of `block`, line_1,
    line_2, place_1, place_2 (numbers of the lines in the block, from the smallest), and for each part is_small_,
    is_hidden_1_ and is_hidden_2_ (the margins of the two lines). Gives three relations; the last is `name`, with
    is_hidden_. -#}
{% macro hidden_in_table(name, cells, block, parts) -%}
{{ name }}_line as (

    select
        {{ cells }}.*
        {%- for part in parts %},
        is_hidden_1_{{ part }}
        or bool_or(is_small_{{ part }}) over (partition by {{ block }}, line_1) as is_line_1_{{ part }},
        is_hidden_2_{{ part }}
        or bool_or(is_small_{{ part }}) over (partition by {{ block }}, line_2) as is_line_2_{{ part }}
        {%- endfor %}
    from {{ cells }}

),

{{ name }}_count as (

    select
        {{ name }}_line.*
        {%- for part in parts %}
        {%- for line, other in [(1, 2), (2, 1)] %},
        count(*) filter (where is_line_{{ line }}_{{ part }} and place_{{ other }} = 1)
            over (partition by {{ block }})
            as lines_{{ line }}_{{ part }},
        bool_or(is_line_{{ line }}_{{ part }} and place_{{ line }} = 1)
            over (partition by {{ block }})
            as is_first_{{ line }}_{{ part }}
        {%- endfor %}
        {%- endfor %}
    from {{ name }}_line

),

{{ name }} as (

    select
        {{ name }}_count.*
        {%- for part in parts %},
        lines_1_{{ part }} + lines_2_{{ part }} > 0
        {%- for line in [1, 2] %}
        and (
            is_line_{{ line }}_{{ part }}
            or (lines_{{ line }}_{{ part }} = 0 and place_{{ line }} <= 2)
            or (
                lines_{{ line }}_{{ part }} = 1
                and place_{{ line }} = case when is_first_{{ line }}_{{ part }} then 2 else 1 end
            )
        )
        {%- endfor %} as is_hidden_{{ part }}
        {%- endfor %}
    from {{ name }}_count

)
{%- endmacro %}

{#- Which part hides which column. Columns that are not named here belong to the split of absence. -#}
{% macro hiding_part(column_name) -%}
  {%- if column_name in [
    'enrolments', 'possible_sessions', 'covid_sessions', 'not_possible_sessions', 'missing_sessions',
    'unclassified_sessions'
  ] -%}
    {{ return('row') }}
  {%- elif column_name in [
    'attended_sessions', 'present_sessions', 'approved_activity_sessions', 'absence_sessions', 'attendance_rate',
    'absence_rate'
  ] -%}
    {{ return('absence') }}
  {%- elif column_name in ['persistently_absent_enrolments', 'persistent_absence_rate'] -%}
    {{ return('persistent') }}
  {%- elif column_name in ['severely_absent_enrolments', 'severe_absence_rate'] -%}
    {{ return('severe') }}
  {%- endif -%}
  {{ return('split') }}
{%- endmacro %}

{#- A value, or null where its part is hidden. -#}
{% macro published_value(flags, expression, column_name) -%}
  case when not {{ flags }}.is_hidden_{{ hiding_part(column_name) }} then {{ expression }} end as {{ column_name }}
{%- endmacro %}

{#- The columns of a row of a group, hidden where they must be: head counts, sessions, rates, and what was hidden. A
    count of a row that is not there is zero: `counts` is joined outwards. `has_absentees`: whether persistent absence
    has a meaning for the row. -#}
{% macro published_group_columns(flags, counts, has_absentees='true', type='integer') -%}
  {%- set zero = 'case when ' ~ counts ~ '.academic_year is null then 0 else ' ~ counts ~ '.' %}
    case when not {{ flags }}.is_hidden_row then {{ zero }}enrolments end end::{{ type }} as enrolments,
  {%- for name in ['persistently_absent_enrolments', 'severely_absent_enrolments'] %}
    case
        when {{ has_absentees }} and not {{ flags }}.is_hidden_{{ hiding_part(name) }}
            then {{ zero }}{{ name }} end
    end::{{ type }} as {{ name }},
  {%- endfor %}
  {%- for name in count_names() + reason_names() %}
    case
        when not {{ flags }}.is_hidden_{{ hiding_part(name ~ '_sessions') }}
            then {{ zero }}{{ name }}_sessions end
    end::{{ type }} as {{ name }}_sessions,
  {%- endfor %}
  {%- for rate, part in [
    ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'), ('unauthorised', 'unauthorised')
  ] %}
    {{ published_value(
        flags, percentage(column(counts, part ~ '_sessions'), column(counts, 'possible_sessions')), rate ~ '_rate'
    ) }},
  {%- endfor %}
  {%- for rate, part in [('persistent_absence', 'persistently_absent'), ('severe_absence', 'severely_absent')] %}
    {{ published_value(
        flags, percentage(column(counts, part ~ '_enrolments'), column(counts, 'enrolments')), rate ~ '_rate'
    ) }},
  {%- endfor %}
    {{ suppression_columns(flags) }}
{%- endmacro %}

{#- Whether anything in the row is hidden, why, and what. -#}
{% macro suppression_columns(flags, parts=suppressed_parts()) -%}
  {%- set any_hidden = [] -%}
  {%- set any_small = [] -%}
  {%- for part in parts -%}
    {%- do any_hidden.append(flags ~ '.is_hidden_' ~ part) -%}
    {%- do any_small.append(flags ~ '.is_small_' ~ part) -%}
  {%- endfor -%}
  {{ any_hidden | join(' or ') }} as is_suppressed,
    case
        when {{ any_small | join(' or ') }} then 'small'
        when {{ any_hidden | join(' or ') }} then 'secondary'
    end as suppression_reason,
    case
        when {{ flags }}.is_hidden_row then 'all'
        else nullif(concat_ws(
            ', ',
            case
                when {{ flags }}.is_hidden_absence then 'absence'
                when {{ flags }}.is_hidden_split then 'authorised and unauthorised'
            end
            {%- for part in parts if part not in parts_of_sessions() %},
            case when {{ flags }}.is_hidden_{{ part }} then '{{ part }}' end
            {%- endfor %}
        ), '')
    end as suppressed_measures
{%- endmacro %}

{#- Groups of which one follows from the other: crossed, their cells are known without being counted. -#}
{% macro is_implied_pair(group_1, group_2) -%}
  (least({{ group_1 }}, {{ group_2 }}), greatest({{ group_1 }}, {{ group_2 }})) in (
        ('fsm', 'fsm6'), ('disadvantaged', 'fsm'), ('disadvantaged', 'fsm6'), ('disadvantaged', 'looked_after')
    )
{%- endmacro %}

{#- The groups of a school and year, one row a value, with the parts that are hidden. `single` has group_1 and value_1 of
    groups that are not crossed, without the total. Gives three relations; the last is `value_hidden`. -#}
{% macro hidden_values(single) -%}
value_small as (

    select
        {{ single }}.*,
        row_number() over (
            partition by school_id, academic_year, group_1
            order by enrolments = 0, enrolments, value_1
        ) as place,
        {{ small_parts(single) }}
    from {{ single }}

),

value_flagged as (

    select
        value_small.*
        {%- for part in suppressed_parts() %},
        {{ hidden_in_set('is_small_' ~ part, 'school_id, academic_year, group_1', 'place') }} as is_own_{{ part }}
        {%- endfor %}
    from value_small

),

value_hidden as (

    select
        value_flagged.*,
        {{ nested_parts('is_own_') }}
    from value_flagged

)
{%- endmacro %}

{#- A part is hidden by itself or with a larger one: where the larger one took a value along, the smaller must too. -#}
{% macro nested_parts(prefix, parts=suppressed_parts()) -%}
  {%- set larger = {'absence': ['row'], 'split': ['row', 'absence'], 'persistent': ['row'], 'severe': ['row']} -%}
  {%- for part in parts %}
    {% for above in larger.get(part, []) %}{{ prefix ~ above }} or {% endfor %}{{ prefix ~ part }} as is_hidden_{{ part }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Fewest pupils whose figures come out when those of a population and of two parts of it are added and subtracted.
    `whole`, `one`, `other` and `both` are head counts; `both` is of those in the two parts. Pupils are of four kinds: in
    neither part, in one, in the other, in both. Whole less one less other leaves neither less both, and so every pair of
    kinds comes out; a kind alone where another kind is empty. A part that is not published is 0. -#}
{% macro fewest_told_apart(whole, one, other, both) -%}
  (
        select
            case
                when min(kinds.pupils) = 0 then min(kinds.pupils) filter (where kinds.pupils > 0)
                else sum(kinds.pupils) filter (where kinds.place <= 2)
            end
        from (
            select
                kind.pupils,
                row_number() over (order by kind.pupils) as place
            from (
                values
                ({{ whole }} - {{ one }} - {{ other }} + {{ both }}),
                ({{ one }} - {{ both }}),
                ({{ other }} - {{ both }}),
                ({{ both }})
            ) as kind (pupils)
        ) as kinds
    )
{%- endmacro %}
