{%- set set_of_values = 'school_id, academic_year, year_group, group_name' %}
{%- set row_key = set_of_values ~ ', group_value' %}
with

group_summary as (

    select * from {{ ref('benchmarks__group_summary_exact') }}

),

-- A population has one head count, at whatever challenge level and of whatever source.
size as (

    select
        {{ row_key }},
        population,
        min(pupils) as pupils,
        min(apart_pupils) as apart_pupils,
        row_number() over (partition by {{ set_of_values }}, population order by min(pupils), group_value) as place
    from group_summary
    group by {{ row_key }}, population

),

-- The values of a group add up to the year group, which is shown: no value is hidden alone. What is hidden of one
-- population is hidden of the next, whose pupils may be the same.
estimated_small as (

    select
        size.*,
        {{ is_small('size.pupils', 'suppression_minimum_enrolments') }} as is_small_row,
        {{ is_small('least(size.pupils, size.apart_pupils)', 'suppression_minimum_enrolments') }}
            as is_hidden_itself
    from size
    where size.population = 'estimated'

),

estimated as (

    select
        {{ row_key }},
        population,
        is_small_row,
        {{ hidden_in_set('is_hidden_itself', set_of_values, 'place') }} as is_hidden_row
    from estimated_small

),

targeted_small as (

    select
        size.*,
        {{ is_small('size.pupils', 'suppression_minimum_enrolments') }} as is_small_row,
        {{ is_small('least(size.pupils, size.apart_pupils)', 'suppression_minimum_enrolments') }}
        or coalesce(estimated.is_hidden_row, false)
            as is_hidden_itself
    from size
    left join estimated
        on
            size.school_id = estimated.school_id
            and size.academic_year = estimated.academic_year
            and size.year_group = estimated.year_group
            and size.group_name = estimated.group_name
            and size.group_value = estimated.group_value
    where size.population = 'targeted'

),

targeted as (

    select
        {{ row_key }},
        population,
        is_small_row,
        {{ hidden_in_set('is_hidden_itself', set_of_values, 'place') }} as is_hidden_row
    from targeted_small

),

assessed_small as (

    select
        size.*,
        {{ is_small('size.pupils', 'suppression_minimum_enrolments') }} as is_small_row,
        {{ is_small('least(size.pupils, size.apart_pupils)', 'suppression_minimum_enrolments') }}
        or coalesce(estimated.is_hidden_row, false)
        or coalesce(targeted.is_hidden_row, false)
            as is_hidden_itself
    from size
    left join estimated
        on
            size.school_id = estimated.school_id
            and size.academic_year = estimated.academic_year
            and size.year_group = estimated.year_group
            and size.group_name = estimated.group_name
            and size.group_value = estimated.group_value
    left join targeted
        on
            size.school_id = targeted.school_id
            and size.academic_year = targeted.academic_year
            and size.year_group = targeted.year_group
            and size.group_name = targeted.group_name
            and size.group_value = targeted.group_value
    where size.population = 'assessed'

),

assessed as (

    select
        {{ row_key }},
        population,
        is_small_row,
        {{ hidden_in_set('is_hidden_itself', set_of_values, 'place') }} as is_hidden_row
    from assessed_small

),

flag as (

    select * from estimated
    union all
    select * from targeted
    union all
    select * from assessed

)

select
    group_summary.school_id,
    group_summary.academic_year,
    group_summary.year_group,
    group_summary.group_name,
    group_summary.group_value,
    group_summary.challenge,
    group_summary.source,
    group_summary.population,
    {%- for name in [
        'pupils', 'attainment8', 'slots_filled', 'english_mathematics_pupils', 'english_mathematics_4_percent',
        'english_mathematics_5_percent', 'ks2_reading_percent', 'ks2_mathematics_percent'
    ] %}
    case when not flag.is_hidden_row then group_summary.{{ name }} end as {{ name }},
    {%- endfor %}
    flag.is_hidden_row as is_suppressed,
    case when flag.is_small_row then 'small' when flag.is_hidden_row then 'secondary' end as suppression_reason
from group_summary
inner join flag
    on
        group_summary.school_id = flag.school_id
        and group_summary.academic_year = flag.academic_year
        and group_summary.year_group = flag.year_group
        and group_summary.group_name = flag.group_name
        and group_summary.group_value = flag.group_value
        and group_summary.population = flag.population
