with

target as (

    select * from {{ ref('benchmarks__target') }}

),

estimate as (

    select * from {{ ref('benchmarks__estimate') }}

),

current_year as (

    select * from {{ ref('current_year') }}

),

current_assessment as (

    select * from {{ ref('current_assessment') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

standing as (

    select target.*
    from target
    inner join current_year
        on
            target.school_id = current_year.school_id
            and target.academic_year = current_year.academic_year
    where target.status <> 'superseded'

),

assessed as (

    select
        current_assessment.*,
        standing.points as target_points,
        standing.grade as target_grade,
        estimate.estimate_points,
        estimate.estimate_grade
    from current_assessment
    inner join pupil
        on
            current_assessment.school_id = pupil.school_id
            and current_assessment.pupil_key = pupil.pupil_key
    left join standing
        on
            current_assessment.school_id = standing.school_id
            and current_assessment.pupil_key = standing.pupil_key
            and current_assessment.qualification = standing.qualification
            and current_assessment.subject = standing.subject
    left join estimate
        on
            current_assessment.school_id = estimate.school_id
            and current_assessment.pupil_key = estimate.pupil_key
            and current_assessment.qualification = estimate.qualification
            and current_assessment.subject = estimate.subject
            and estimate.challenge = 50
    where pupil.is_on_roll

),

line as (

    select
        school_id,
        pupil_key,
        'target' as section,
        1 as place,
        academic_year,
        qualification,
        subject,
        'Target' as item,
        grade as value,
        points as number,
        (set_at at time zone 'Europe/London')::date as as_of,
        'Status ' || replace(status, '_', ' ')
        || case
            when
                chance_50 is not null
                then '; chance of it or better ' || {{ printed_chance('chance_50') }} || ' at level 50'
            else '; no estimate'
        end
        {%- for level in [20, 5] %}
        || coalesce(', ' || {{ printed_chance('chance_' ~ level) }} || ' at {{ level }}', '')
        {%- endfor %} as note
    from standing
    union all
    select
        assessed.school_id,
        assessed.pupil_key,
        'current assessment' as section,
        fact.place,
        assessed.academic_year,
        assessed.qualification,
        assessed.subject,
        fact.item,
        fact.value,
        fact.number,
        assessed.result_date as as_of,
        fact.note
    from assessed
    cross join
        lateral (
            values
            (1, 'Current assessment', assessed.grade, assessed.points, assessed.aspect),
            (
                2, 'Gap to the target', {{ printed_gap('assessed.points - assessed.target_points') }},
                assessed.points - assessed.target_points, 'Target ' || assessed.target_grade
            ),
            (
                3, 'Gap to the estimate at challenge level 50',
                {{ printed_gap('assessed.points - assessed.estimate_points') }},
                assessed.points - assessed.estimate_points, 'Estimate ' || assessed.estimate_grade
            )
        ) as fact (place, item, value, number, note)
    where fact.number is not null

)

select
    school_id,
    pupil_key,
    section,
    {{ explorer_position('qualification, subject, place') }},
    academic_year,
    qualification,
    subject,
    item,
    value,
    number::double precision as number,
    'points' as unit,
    as_of,
    note
from line
