{%- set set_of_values = 'school_id, academic_year, year_group, group_name, challenge, source' %}
with

group_summary as (

    select * from {{ ref('benchmarks__group_summary_exact') }}

),

small as (

    select
        group_summary.*,
        row_number()
            over (partition by {{ set_of_values }} order by group_summary.pupils, group_summary.group_value)
            as place,
        {{ is_small('group_summary.pupils', 'suppression_minimum_enrolments') }} as is_small_row
    from group_summary

),

-- The values of a group add up to the year group, which is shown: no value is hidden alone.
flagged as (

    select
        small.*,
        {{ hidden_in_set('is_small_row', set_of_values, 'place') }} as is_hidden_row
    from small

)

select
    school_id,
    academic_year,
    year_group,
    group_name,
    group_value,
    challenge,
    source,
    {%- for name in [
        'pupils', 'attainment8', 'slots_filled', 'english_mathematics_pupils', 'english_mathematics_4_percent',
        'english_mathematics_5_percent', 'ks2_reading_percent', 'ks2_mathematics_percent'
    ] %}
    case when not is_hidden_row then {{ name }} end as {{ name }},
    {%- endfor %}
    is_hidden_row as is_suppressed,
    case when is_small_row then 'small' when is_hidden_row then 'secondary' end as suppression_reason
from flagged
