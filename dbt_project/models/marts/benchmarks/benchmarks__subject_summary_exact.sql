{%- set subject_key = 'school_id, academic_year, year_group, qualification, subject' %}
with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

estimate_basis as (

    select * from {{ ref('benchmarks__estimate_basis') }}

),

-- Pupils alike first: many stand on one row.
alike as (

    select
        {{ subject_key }},
        basis_key,
        count(*) as pupils
    from pupil_subject
    where basis_key is not null
    group by {{ subject_key }}, basis_key

),

without as (

    select
        {{ subject_key }},
        count(*) as pupils
    from pupil_subject
    where basis_key is null
    group by {{ subject_key }}

),

summed as (

    select
        alike.school_id,
        alike.academic_year,
        alike.year_group,
        alike.qualification,
        alike.subject,
        estimate_basis.challenge,
        sum(alike.pupils) as pupils,
        sum(alike.pupils * estimate_basis.expected_points) as expected_points,
        sum(alike.pupils * estimate_basis.points_sd ^ 2) as points_variance,
        max(estimate_basis.run_id) as run_id,
        max(estimate_basis.reference_year) as reference_year,
        sum(alike.pupils) filter (where estimate_basis.method like 'fallback%') as fallback_pupils
        {%- for grade, points in [('4', 4), ('5', 5), ('7', 7)] %},
        sum(alike.pupils * {{ chance_of_points('estimate_basis', points) }})
        filter (where estimate_basis.stage = 'ks2_ks4') as reach_grade_{{ grade }}
        {%- endfor %}
        {%- for grade, points in [('c', 30), ('b', 40), ('a', 50)] %},
        sum(alike.pupils * {{ chance_of_points('estimate_basis', points) }})
        filter (where estimate_basis.qualification like 'GCE A level%') as reach_grade_{{ grade }}
        {%- endfor %},
        sum(alike.pupils * {{ chance_of_points('estimate_basis', 100) }})
        filter (where estimate_basis.stage = 'ks1_ks2') as reach_expected_standard
    from alike
    inner join estimate_basis
        on alike.basis_key = estimate_basis.basis_key
    group by
        alike.school_id, alike.academic_year, alike.year_group, alike.qualification, alike.subject,
        estimate_basis.challenge

),

by_grade as (

    select
        alike.school_id,
        alike.academic_year,
        alike.year_group,
        alike.qualification,
        alike.subject,
        estimate_basis.challenge,
        of_grade.grade,
        of_grade.points,
        (100 * sum(alike.pupils * of_grade.chance) / sum(alike.pupils))::numeric(7, 4) as or_better_percent,
        coalesce(sum(alike.pupils) filter (where of_grade.grade = estimate_basis.estimate_grade), 0) as estimated
    from alike
    inner join estimate_basis
        on alike.basis_key = estimate_basis.basis_key
    cross join
        lateral
        unnest(estimate_basis.grades, estimate_basis.points, estimate_basis.chances)
            as of_grade (grade, points, chance)
    group by
        alike.school_id, alike.academic_year, alike.year_group, alike.qualification, alike.subject,
        estimate_basis.challenge, of_grade.grade, of_grade.points

),

profile as (

    select
        {{ subject_key }},
        challenge,
        array_agg(grade order by points) as grades,
        array_agg(or_better_percent order by points) as grade_or_better_percent,
        array_agg(estimated::integer order by points) as estimated_pupils
    from by_grade
    group by {{ subject_key }}, challenge

)

select
    summed.school_id,
    summed.academic_year,
    summed.year_group,
    summed.qualification,
    summed.subject,
    summed.challenge,
    'estimate' as source,
    summed.pupils::integer as pupils,
    coalesce(without.pupils, 0)::integer as pupils_without,
    coalesce(summed.fallback_pupils, 0)::integer as fallback_pupils,
    (summed.expected_points / summed.pupils)::numeric(8, 4) as mean_points,
    (sqrt(summed.points_variance) / summed.pupils)::numeric(8, 4) as mean_points_sd,
    {%- for grade in ['4', '5', '7', 'c', 'b', 'a'] %}
    (100 * summed.reach_grade_{{ grade }} / summed.pupils)::numeric(7, 4) as grade_{{ grade }}_percent,
    {%- endfor %}
    (100 * summed.reach_expected_standard / summed.pupils)::numeric(7, 4) as expected_standard_percent,
    profile.grades,
    profile.grade_or_better_percent,
    profile.estimated_pupils,
    summed.run_id,
    summed.reference_year
from summed
inner join profile
    on
        summed.school_id = profile.school_id
        and summed.academic_year = profile.academic_year
        and summed.year_group = profile.year_group
        and summed.qualification = profile.qualification
        and summed.subject = profile.subject
        and summed.challenge = profile.challenge
left join without
    on
        summed.school_id = without.school_id
        and summed.academic_year = without.academic_year
        and summed.year_group = without.year_group
        and summed.qualification = without.qualification
        and summed.subject = without.subject
