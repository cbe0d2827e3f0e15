{#- Left alone, Postgres takes the tables of cells for a few rows and loops over them: 45 s for 12 schools, where hashes
    take 0.3. -#}
{{ config(pre_hook='set local enable_nestloop = off') }}
{%- set grain = 'school_id, academic_year, group_1' %}
with

group_year as (

    select * from {{ ref('group_year') }}

),

group_period as (

    select * from {{ ref('group_period') }}

),

school_week as (

    select * from {{ ref('attendance__school_week') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

-- What a period is a part of: a hidden week must not follow from its half term and the other weeks.
period as (

    select distinct
        'term' as period_type,
        half_term.academic_year,
        null::integer as school_id,
        half_term.term as period,
        'year' as parent
    from half_term
    union all
    select
        'half_term' as period_type,
        half_term.academic_year,
        null::integer as school_id,
        half_term.half_term::text as period,
        half_term.term as parent
    from half_term
    union all
    select
        'week' as period_type,
        school_week.academic_year,
        school_week.school_id,
        school_week.week_start::text as period,
        school_week.half_term::text as parent
    from school_week

),

single as (

    select * from group_year
    where group_1 <> 'all' and group_2 = 'all'

),

{{ hidden_values('single') }},

counted as (

    select
        group_period.*,
        coalesce(period.parent, '?') as parent
    from group_period
    left join period
        on
            group_period.academic_year = period.academic_year
            and group_period.period_type = period.period_type
            and group_period.period = period.period
            and (period.school_id is null or group_period.school_id = period.school_id)

),

{%- for type, above in [('term', none), ('half_term', 'term'), ('week', 'half_term')] %}

{{ type }}_column as (

    select
        school_id,
        academic_year,
        parent,
        period,
        row_number() over (
            partition by school_id, academic_year, parent
            order by possible_sessions, period
        ) as place
    from counted
    where period_type = '{{ type }}' and group_1 = 'all'

),

{{ type }}_row as (

    select
    {%- if above %}
        school_id,
        academic_year,
        group_1,
        line_1 as value_1,
        line_2 as parent,
        {%- for part in parts_of_sessions() %}
        is_hidden_{{ part }},
        {%- endfor %}
        place_1 as place
    {%- else %}
        school_id,
        academic_year,
        group_1,
        value_1,
        'year' as parent,
        {%- for part in parts_of_sessions() %}
        is_hidden_{{ part }},
        {%- endfor %}
        place
    {%- endif %}
    from {{ above ~ '_own' if above else 'value_hidden' }}

),

-- Every value by every period of one parent, also where nobody had a session.
{{ type }}_cell as (

    select
        {{ type }}_row.school_id,
        {{ type }}_row.academic_year,
        {{ type }}_row.group_1,
        {{ type }}_row.parent,
        {{ type }}_row.value_1 as line_1,
        {{ type }}_column.period as line_2,
        {{ type }}_row.place as place_1,
        {{ type }}_column.place as place_2,
        {%- for part in parts_of_sessions() %}
        {{ type }}_row.is_hidden_{{ part }} as is_hidden_1_{{ part }},
        false as is_hidden_2_{{ part }},
        {%- endfor %}
        {{ small_parts('counted') }}
    from {{ type }}_row
    inner join {{ type }}_column
        on
            {{ type }}_row.school_id = {{ type }}_column.school_id
            and {{ type }}_row.academic_year = {{ type }}_column.academic_year
            and {{ type }}_row.parent = {{ type }}_column.parent
    left join counted
        on
            {{ type }}_row.school_id = counted.school_id
            and {{ type }}_row.academic_year = counted.academic_year
            and {{ type }}_row.group_1 = counted.group_1
            and {{ type }}_row.value_1 = counted.value_1
            and counted.period_type = '{{ type }}'
            and {{ type }}_column.period = counted.period

),

{{ hidden_in_table(type ~ '_own', type ~ '_cell', grain ~ ', parent', parts_of_sessions()) }},
{%- endfor %}

own as (
    {%- for type in ['term', 'half_term', 'week'] %}

    select
        school_id,
        academic_year,
        '{{ type }}' as period_type,
        line_2 as period,
        group_1,
        line_1 as value_1,
        place_1 as place,
        {{ part_columns('is_small_') }},
    {%- for part in parts_of_sessions() %}
    is_hidden_{{ part }} as is_own_{{ part }}
    {{- ',' if not loop.last }}
    {%- endfor %}
    from {{ type }}_own
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

-- Persistent absentees of periods do not add up to those of longer ones: each period is a set of its own.
flagged as (

    select
        own.*,
    {%- for part in ['persistent', 'severe'] %}
    {{ hidden_in_set('is_small_' ~ part, grain ~ ', period_type, period', 'place') }} as is_own_{{ part }}
    {{- ',' if not loop.last }}
    {%- endfor %}
    from own

),

hidden as (

    select
        school_id,
        academic_year,
        period_type,
        period,
        group_1,
        value_1,
        {{ part_columns('is_small_') }},
        {{ nested_parts('is_own_') }}
    from flagged
    union all
    select
        school_id,
        academic_year,
        period_type,
        period,
        group_1,
        value_1,
        {{ part_columns('is_small_', value='false') }},
        {{ part_columns('is_hidden_', value='false') }}
    from counted
    where group_1 = 'all'

)

select
    hidden.school_id,
    hidden.academic_year,
    hidden.period_type,
    hidden.period,
    hidden.group_1,
    hidden.value_1,
    {{ published_group_columns('hidden', 'group_period', "hidden.period_type <> 'week'") }}
from hidden
left join group_period
    on
        hidden.school_id = group_period.school_id
        and hidden.academic_year = group_period.academic_year
        and hidden.period_type = group_period.period_type
        and hidden.period = group_period.period
        and hidden.group_1 = group_period.group_1
        and hidden.value_1 = group_period.value_1
where
    group_period.school_id is not null
    {%- for part in suppressed_parts() %}
    or hidden.is_hidden_{{ part }}
    {%- endfor %}
