{{ config(pre_hook='{{ by_hash() }}') }}

{%- set key = ['school_id', 'academic_year', 'year_group', 'qualification', 'subject'] %}
{%- set subject_key = key | join(', ') %}
{%- set of_gcse = "estimate_basis.stage = 'ks2_ks4'" %}
{%- set of_a_level = "estimate_basis.qualification like 'GCE A level%'" %}
{%- set thresholds = [
    ('grade_4', 4, of_gcse), ('grade_5', 5, of_gcse), ('grade_7', 7, of_gcse),
    ('grade_c', 30, of_a_level), ('grade_b', 40, of_a_level), ('grade_a', 50, of_a_level),
    ('expected_standard', 100, "estimate_basis.stage = 'ks1_ks2'")
] %}
with

entry as (

    select * from {{ ref('benchmarks___entry') }}

),

estimate_basis as (

    select * from {{ ref('benchmarks__estimate_basis') }}

),

studied as (

    select
        {{ subject_key }},
        count(*) as studying,
        count(basis_key) as estimated,
        count(target_points) filter (where basis_key is not null) as targeted,
        count(current_points) filter (where basis_key is not null) as assessed,
        count(current_points) filter (where basis_key is not null and target_points is not null)
            as targeted_and_assessed
    from entry
    group by {{ subject_key }}

),

-- What subtracting populations would tell, as long as both are published.
told_apart as materialized (

    select
        {{ subject_key }},
        studying,
        targeted_apart,
        {{ fewest_told_apart(
            'estimated', 'targeted * is_shown', 'assessed', 'targeted_and_assessed * is_shown'
        ) }} as assessed_apart
    from (
        select
            studied.*,
            of_targets.targeted_apart,
            ({{ is_small('of_targets.targeted_apart', 'suppression_minimum_enrolments') }} is not true)::integer
                as is_shown
        from studied
        cross join lateral (
            select {{ fewest_told_apart('studied.estimated', 'studied.targeted', '0', '0') }} as targeted_apart
        ) as of_targets
    ) as shown

),

-- Chances of few rows, before many pupils stand on them; null where the threshold is not of the qualification.
reach as (

    select
        {%- for name, points, condition in thresholds %}
        case when {{ condition }} then {{ chance_of_points('estimate_basis', points) }} end as {{ name }},
        {%- endfor %}
        estimate_basis.basis_key,
        estimate_basis.challenge,
        estimate_basis.method,
        estimate_basis.run_id,
        estimate_basis.reference_year,
        estimate_basis.estimate_grade,
        estimate_basis.expected_points,
        estimate_basis.points_sd,
        estimate_basis.grades,
        estimate_basis.points,
        estimate_basis.chances
    from estimate_basis

),

-- Pupils alike first: many stand on one row.
alike as (

    select
        {{ subject_key }},
        basis_key,
        count(*) as estimated,
        count(target_points) as targeted,
        count(current_points) as assessed
    from entry
    where basis_key is not null
    group by {{ subject_key }}, basis_key

),

counted as (

    select
        {%- for name in key %}
        alike.{{ name }},
        {%- endfor %}
        alike.basis_key,
        counted.population,
        counted.pupils
    from alike
    cross join
        lateral (
            values
            ('estimated', alike.estimated),
            ('targeted', alike.targeted),
            ('assessed', alike.assessed)
        ) as counted (population, pupils)
    where counted.pupils > 0

),

expected as (

    select
        {%- for name in key + ['population'] %}
        counted.{{ name }},
        {%- endfor %}
        reach.challenge,
        sum(counted.pupils) as pupils,
        sum(counted.pupils) filter (where reach.method like 'fallback%') as fallback_pupils,
        sum(counted.pupils * reach.expected_points) / sum(counted.pupils) as mean_points,
        sqrt(sum(counted.pupils * reach.points_sd ^ 2)) / sum(counted.pupils) as mean_points_sd,
        {%- for name, points, condition in thresholds %}
        sum(counted.pupils * reach.{{ name }}) as {{ name }},
        {%- endfor %}
        max(reach.run_id) as run_id,
        max(reach.reference_year) as reference_year
    from counted
    inner join reach
        on counted.basis_key = reach.basis_key
    group by
        {%- for name in key + ['population'] %}
        counted.{{ name }},
        {%- endfor %}
        reach.challenge

),

expected_by_grade as (

    select
        {%- for name in key + ['population'] %}
        counted.{{ name }},
        {%- endfor %}
        reach.challenge,
        of_grade.grade,
        of_grade.points,
        sum(counted.pupils * of_grade.chance) as or_better,
        coalesce(sum(counted.pupils) filter (where of_grade.grade = reach.estimate_grade), 0) as at_grade
    from counted
    inner join reach
        on counted.basis_key = reach.basis_key
    cross join
        lateral
        unnest(reach.grades, reach.points, reach.chances)
            as of_grade (grade, points, chance)
    group by
        {%- for name in key + ['population'] %}
        counted.{{ name }},
        {%- endfor %}
        reach.challenge, of_grade.grade, of_grade.points

),

-- What is aimed at and what is reached has one grade a pupil: it is there or it is not.
attained as (

    select
        {%- for name in key %}
        entry.{{ name }},
        {%- endfor %}
        attained.source,
        attained.population,
        attained.points,
        {%- for name, points, condition in thresholds %}
        case when basis.{{ name }} is not null then (attained.points >= {{ points }})::integer end as {{ name }},
        {%- endfor %}
        basis.method
    from entry
    inner join (
        select distinct on (basis_key) *
        from reach
        order by basis_key asc, challenge desc
    ) as basis
        on entry.basis_key = basis.basis_key
    cross join
        lateral (
            values
            ('target', 'targeted', entry.target_points),
            ('current', 'assessed', entry.current_points)
        ) as attained (source, population, points)
    where attained.points is not null

),

attained_by_grade as (

    select
        {%- for name in key %}
        attained.{{ name }},
        {%- endfor %}
        attained.source,
        attained.population,
        of_grade.grade,
        of_grade.points,
        count(*) filter (where attained.points >= of_grade.points) as or_better
    from attained
    inner join (
        select distinct
            {{ subject_key }},
            grade,
            points
        from expected_by_grade
    ) as of_grade
        on
        {%- for name in key %}
            {{ 'and ' if not loop.first }}attained.{{ name }} = of_grade.{{ name }}
        {%- endfor %}
    group by
        {%- for name in key %}
        attained.{{ name }},
        {%- endfor %}
        attained.source, attained.population, of_grade.grade, of_grade.points

),

figure as (

    select
        {{ subject_key }},
        population,
        'estimate' as source,
        challenge,
        pupils,
        fallback_pupils,
        mean_points,
        mean_points_sd,
        {%- for name, points, condition in thresholds %}
        {{ name }},
        {%- endfor %}
        run_id,
        reference_year
    from expected
    union all
    select
        {{ subject_key }},
        population,
        source,
        0 as challenge,
        count(*) as pupils,
        count(*) filter (where method like 'fallback%') as fallback_pupils,
        avg(points) as mean_points,
        null as mean_points_sd,
        {%- for name, points, condition in thresholds %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        null as run_id,
        null as reference_year
    from attained
    group by {{ subject_key }}, population, source

),

by_grade as (

    select
        {{ subject_key }},
        population,
        'estimate' as source,
        challenge,
        grade,
        points,
        or_better,
        at_grade
    from expected_by_grade
    union all
    select
        {{ subject_key }},
        population,
        source,
        0 as challenge,
        grade,
        points,
        or_better,
        or_better - coalesce(
            lead(or_better) over (partition by {{ subject_key }}, population, source order by points), 0
        ) as at_grade
    from attained_by_grade

),

profile as (

    select
        {{ subject_key }},
        population,
        source,
        challenge,
        array_agg(grade order by points) as grades,
        array_agg(or_better order by points) as or_better,
        array_agg(at_grade::integer order by points) as at_grade
    from by_grade
    group by {{ subject_key }}, population, source, challenge

)

select
    figure.school_id,
    figure.academic_year,
    figure.year_group,
    figure.qualification,
    figure.subject,
    figure.challenge::numeric(5, 2) as challenge,
    figure.source,
    figure.population,
    figure.pupils::integer as pupils,
    (told_apart.studying - figure.pupils)::integer as pupils_without,
    coalesce(figure.fallback_pupils, 0)::integer as fallback_pupils,
    (
        case figure.population
            when 'targeted' then told_apart.targeted_apart
            when 'assessed' then told_apart.assessed_apart
        end
    )::integer as apart_pupils,
    figure.mean_points::numeric(8, 4) as mean_points,
    figure.mean_points_sd::numeric(8, 4) as mean_points_sd,
    {%- for name, points, condition in thresholds %}
    (100 * figure.{{ name }} / figure.pupils)::numeric(7, 4) as {{ name }}_percent,
    {%- endfor %}
    profile.grades,
    (
        select array_agg((100 * reached.pupils / figure.pupils)::numeric(7, 4) order by reached.place)
        from unnest(profile.or_better) with ordinality as reached (pupils, place)
    ) as grade_or_better_percent,
    profile.at_grade as estimated_pupils,
    figure.run_id,
    figure.reference_year
from figure
inner join profile
    on
    {%- for name in key + ['population', 'source', 'challenge'] %}
        {{ 'and ' if not loop.first }}figure.{{ name }} = profile.{{ name }}
    {%- endfor %}
inner join told_apart
    on
    {%- for name in key %}
        {{ 'and ' if not loop.first }}figure.{{ name }} = told_apart.{{ name }}
    {%- endfor %}
