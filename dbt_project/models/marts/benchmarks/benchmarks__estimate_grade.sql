with

estimate as (

    select * from {{ ref('benchmarks__estimate') }}

)

select
    estimate.school_id,
    estimate.pupil_key,
    estimate.qualification,
    estimate.subject,
    estimate.challenge,
    of_grade.ordinal::smallint as ordinal,
    of_grade.grade,
    of_grade.points,
    of_grade.chance as chance_or_better,
    of_grade.chance - coalesce(estimate.chances[of_grade.ordinal + 1], 0) as chance,
    of_grade.grade = estimate.estimate_grade as is_estimate
from estimate
cross join
    lateral
    unnest(estimate.grades, estimate.points, estimate.chances)
    with ordinality as of_grade (grade, points, chance, ordinal)
