{%- set set_of_values = 'school_id, academic_year, group_name' %}
with

suspension_year as (

    select * from {{ ref('attendance__suspension_year_exact') }}

),

small as (

    select
        suspension_year.*,
        row_number()
            over (
                partition by {{ set_of_values }}
                order by suspension_year.headcount = 0, suspension_year.headcount, suspension_year.group_value
            )
            as place,
        suspension_year.group_name <> 'all'
        and {{ is_small('headcount', 'suppression_minimum_enrolments') }} as is_small_row,
        suspension_year.group_name <> 'all' and (
            {{ is_small('headcount', 'suppression_minimum_enrolments') }}
            or {{ is_small('suspended_pupils', 'suppression_minimum_part') }}
            or {{ is_small('repeatedly_suspended_pupils', 'suppression_minimum_part') }}
        ) as is_small_suspended,
        suspension_year.group_name <> 'all' and (
            {{ is_small('headcount', 'suppression_minimum_enrolments') }}
            or {{ is_small('permanent_exclusions', 'suppression_minimum_part') }}
        ) as is_small_permanent
    from suspension_year

),

own as (

    select
        {%- for part in ['row', 'suspended', 'permanent'] %}
        {{ hidden_in_set('is_small_' ~ part, set_of_values, 'place') }} as is_own_{{ part }},
        {%- endfor %}
        small.*
    from small

),

hidden as (

    select
        own.*,
        own.is_own_row as is_hidden_row,
        own.is_own_row or own.is_own_suspended as is_hidden_suspended,
        own.is_own_row or own.is_own_permanent as is_hidden_permanent
    from own

)

select
    school_id,
    academic_year,
    group_name,
    group_value,
    census_date,
    case when not is_hidden_row then headcount end as headcount,
    {%- for name in ['suspensions', 'suspended_pupils', 'repeatedly_suspended_pupils', 'days_lost'] %}
    case when not is_hidden_suspended then {{ name }} end as {{ name }},
    {%- endfor %}
    case when not is_hidden_permanent then permanent_exclusions end as permanent_exclusions,
    case when not is_hidden_suspended then suspension_rate end as suspension_rate,
    case when not is_hidden_suspended then suspended_pupils_rate end as suspended_pupils_rate,
    case when not is_hidden_permanent then permanent_exclusion_rate end as permanent_exclusion_rate,
    is_hidden_suspended or is_hidden_permanent as is_suppressed,
    case
        when is_small_suspended or is_small_permanent then 'small'
        when is_hidden_suspended or is_hidden_permanent then 'secondary'
    end as suppression_reason,
    national_suspension_rate,
    national_permanent_exclusion_rate,
    national_release
from hidden
