with

estimate as (

    select * from {{ ref('benchmarks__estimate') }}

)

select
    school_id,
    pupil_key,
    'estimate' as section,
    {{ explorer_position('qualification asc, subject asc, challenge desc', within='school_id, pupil_key') }},
    academic_year,
    qualification,
    subject,
    'Estimate at challenge level ' || trim_scale(challenge) as item,
    estimate_grade as value,
    expected_points as number,
    'points' as unit,
    null::date as as_of,
    'Chance of ' || estimate_grade || ' or better ' || {{ printed_chance('chance') }} || ', of a higher grade '
    || {{ printed_chance('chance_higher') }} || ', of a lower one ' || {{ printed_chance('chance_lower') }}
    || '; reliability ' || reliability as note
from estimate
