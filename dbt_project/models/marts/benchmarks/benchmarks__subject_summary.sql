with

subject_summary as (

    select * from {{ ref('benchmarks__subject_summary_exact') }}

),

-- No total over subjects is published, so nothing can be worked out from the rows beside a hidden one; but from two
-- populations of a subject what they do not share can.
flagged as (

    select
        *,
        {{ is_small('pupils', 'suppression_minimum_enrolments') }} as is_small_row,
        {{ is_small('least(pupils, apart_pupils)', 'suppression_minimum_enrolments') }} as is_hidden_row
    from subject_summary

)

select
    school_id,
    academic_year,
    year_group,
    qualification,
    subject,
    challenge,
    source,
    population,
    {%- for name in [
        'pupils', 'mean_points', 'mean_points_sd', 'grade_4_percent', 'grade_5_percent', 'grade_7_percent',
        'grade_c_percent', 'grade_b_percent', 'grade_a_percent', 'expected_standard_percent', 'grades',
        'grade_or_better_percent'
    ] %}
    case when not is_hidden_row then {{ name }} end as {{ name }},
    {%- endfor %}
    is_hidden_row as is_suppressed,
    case when is_small_row then 'small' when is_hidden_row then 'secondary' end as suppression_reason,
    run_id,
    reference_year
from flagged
