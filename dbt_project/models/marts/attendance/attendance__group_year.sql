with

group_year as (

    select * from {{ ref('group_year') }}

),

single as (

    select * from group_year
    where group_1 <> 'all' and group_2 = 'all'

),

crossed as (

    select * from group_year
    where group_2 <> 'all' and not {{ is_implied_pair('group_1', 'group_2') }}

),

{{ hidden_values('single') }},

pair as (

    select distinct
        school_id,
        academic_year,
        group_1,
        group_2
    from crossed

),

-- Every value of the one group by every value of the other, also where nobody is both.
cell as (

    select
        pair.school_id,
        pair.academic_year,
        pair.group_1,
        pair.group_2,
        one.value_1 as line_1,
        two.value_1 as line_2,
        one.place as place_1,
        two.place as place_2,
        {%- for part in suppressed_parts() %}
        one.is_hidden_{{ part }} as is_hidden_1_{{ part }},
        two.is_hidden_{{ part }} as is_hidden_2_{{ part }},
        {%- endfor %}
        {{ small_parts('crossed') }}
    from pair
    inner join value_hidden as one
        on
            pair.school_id = one.school_id
            and pair.academic_year = one.academic_year
            and pair.group_1 = one.group_1
    inner join value_hidden as two
        on
            pair.school_id = two.school_id
            and pair.academic_year = two.academic_year
            and pair.group_2 = two.group_1
    left join crossed
        on
            pair.school_id = crossed.school_id
            and pair.academic_year = crossed.academic_year
            and pair.group_1 = crossed.group_1
            and pair.group_2 = crossed.group_2
            and one.value_1 = crossed.value_1
            and two.value_1 = crossed.value_2

),

{{ hidden_in_table('cell_own', 'cell', 'school_id, academic_year, group_1, group_2', suppressed_parts()) }},

cell_hidden as (

    select
        cell_own.school_id,
        cell_own.academic_year,
        cell_own.group_1,
        cell_own.line_1,
        cell_own.group_2,
        cell_own.line_2,
        {{ part_columns('is_small_', relation='cell_own') }},
        {{ nested_parts('cell_own.is_hidden_') }}
    from cell_own

),

flagged as (

    select
        school_id,
        academic_year,
        group_1,
        value_1,
        group_2,
        value_2,
        {{ part_columns('is_small_', value='false') }},
        {{ part_columns('is_hidden_', value='false') }}
    from group_year
    where group_1 = 'all'
    union all
    select
        school_id,
        academic_year,
        group_1,
        value_1,
        group_2,
        value_2,
        {{ part_columns('is_small_') }},
        {{ part_columns('is_hidden_') }}
    from value_hidden
    union all
    select
        school_id,
        academic_year,
        group_1,
        line_1 as value_1,
        group_2,
        line_2 as value_2,
        {{ part_columns('is_small_') }},
        {{ part_columns('is_hidden_') }}
    from cell_hidden

)

select
    flagged.school_id,
    flagged.academic_year,
    flagged.group_1,
    flagged.value_1,
    flagged.group_2,
    flagged.value_2,
    {{ published_group_columns('flagged', 'group_year') }}
from flagged
left join group_year
    on
        flagged.school_id = group_year.school_id
        and flagged.academic_year = group_year.academic_year
        and flagged.group_1 = group_year.group_1
        and flagged.value_1 = group_year.value_1
        and flagged.group_2 = group_year.group_2
        and flagged.value_2 = group_year.value_2
-- A pair of values that nobody has is shown only where it is hidden; elsewhere its absence says zero, as it is.
where
    group_year.school_id is not null
    {%- for part in suppressed_parts() %}
    or flagged.is_hidden_{{ part }}
    {%- endfor %}
