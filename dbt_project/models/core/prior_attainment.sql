{%- set pair = ['Reading', 'Mathematics'] %}
{%- set ks2_summer = summer_of_year('pupil.date_of_birth', 6) %}
{%- set untested = '(' ~ var('years_without_ks2_tests') | join(', ') ~ ')' %}
with

attainment as (

    select * from {{ ref('attainment') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

nc_year as (

    select * from {{ ref('nc_year') }}

),

grade_scale as (

    select * from {{ ref('grade_scale') }}

),

attainment8_subject as (

    select * from {{ ref('attainment8_subject') }}

),

graded as (

    select * from attainment
    where mapping = 'mapped' and points is not null and not is_no_result

),

-- A pupil below the level of the test has a judgement instead, with a nominal score (methodology 2.1.4).
ks2_candidate as (

    select
        school_id,
        pupil_key,
        result_id,
        subject,
        grade,
        points,
        result_date,
        1 as place
    from graded
    where stage = 'ks2' and kind = 'statutory' and scale = 'ks2_test'
    union all
    select
        graded.school_id,
        graded.pupil_key,
        graded.result_id,
        graded.subject,
        graded.grade,
        grade_scale.points,
        graded.result_date,
        2 as place
    from graded
    inner join grade_scale
        on
            graded.grade = grade_scale.grade
            and coalesce(graded.result_date, date '9999-12-31') between grade_scale.valid_from and grade_scale.valid_to
    where
        graded.stage = 'ks2' and graded.kind = 'statutory' and graded.scale = 'teacher_assessment'
        and grade_scale.scale = 'ks2_test' and grade_scale.points is not null

),

-- The latest counts: a result is corrected in the autumn, or a pupil sat the tests a second time.
ks2_result as (

    select distinct on (school_id, pupil_key, subject)
        school_id,
        pupil_key,
        subject,
        grade,
        points,
        result_date
    from ks2_candidate
    where subject in ('{{ pair | join("', '") }}')
    order by
        school_id asc, pupil_key asc, subject asc, place asc, result_date desc nulls last, result_id desc

),

ks2_mean as (

    select
        school_id,
        pupil_key,
        'ks2_ks4' as stage,
        'ks2_mean' as prior_measure,
        sum(points) / 2 as prior_value,
        max(result_date) as as_of,
        string_agg(subject || ' ' || grade, ', ' order by subject) as basis
    from ks2_result
    group by school_id, pupil_key
    having count(*) = 2

),

judgement as (

    select distinct on (school_id, pupil_key, stage, subject)
        school_id,
        pupil_key,
        stage,
        subject,
        grade,
        points,
        result_date
    from attainment
    where
        mapping = 'mapped' and not is_no_result and scale = 'teacher_assessment'
        and subject in ('Reading', 'Writing', 'Mathematics')
        and (stage = 'ks2' or (stage = 'ks1' and kind = 'statutory'))
    order by
        school_id asc, pupil_key asc, stage asc, subject asc, result_date desc nulls last, result_id desc

),

-- Reading and mathematics, 1 (below working towards) to 4 (greater depth) each: seven places, 1 to 7.
judged as (

    select
        judgement.school_id,
        judgement.pupil_key,
        'ks2_ks4' as stage,
        case judgement.stage when 'ks1' then 'ks1' else 'teacher_assessment' end as prior_measure,
        sum(judgement.points) - 1 as prior_value,
        max(judgement.result_date) as as_of,
        string_agg(judgement.subject || ' ' || judgement.grade, ', ' order by judgement.subject) as basis
    from judgement
    where
        judgement.subject in ('{{ pair | join("', '") }}')
        and judgement.points is not null
    group by judgement.school_id, judgement.pupil_key, judgement.stage
    having count(*) = 2

),

-- On the scale of the operator's reference: which points the words of a judgement have is said by the seed.
ks1_mean as (

    select
        judgement.school_id,
        judgement.pupil_key,
        'ks1_ks2' as stage,
        'ks1_mean' as prior_measure,
        avg(grade_scale.points) as prior_value,
        max(judgement.result_date) as as_of,
        string_agg(judgement.subject || ' ' || judgement.grade, ', ' order by judgement.subject) as basis
    from judgement
    inner join grade_scale
        on
            judgement.grade = grade_scale.grade
            and coalesce(judgement.result_date, date '9999-12-31') between grade_scale.valid_from
            and grade_scale.valid_to
    where judgement.stage = 'ks1' and grade_scale.scale = 'ks1_points' and grade_scale.points is not null
    group by judgement.school_id, judgement.pupil_key
    having count(*) = 3

),

latest_test as (

    select distinct on (school_id, pupil_key, subject)
        school_id,
        pupil_key,
        subject,
        points,
        result_date
    from graded
    where kind = 'standardised' and result_date is not null
    order by school_id asc, pupil_key asc, subject asc, result_date desc, result_id desc

),

dated_test as (

    select
        latest_test.*,
        max(latest_test.result_date)
            over (partition by latest_test.school_id, latest_test.pupil_key)
            as last_date
    from latest_test

),

-- Tests of a year ago and more say less than those of the last months.
standardised_test as (

    select
        school_id,
        pupil_key,
        'ks2_ks4' as stage,
        'standardised_test' as prior_measure,
        avg(points) as prior_value,
        max(result_date) as as_of,
        string_agg(subject || ' ' || points::integer, ', ' order by subject) as basis
    from dated_test
    where result_date > last_date - interval '1 year'
    group by school_id, pupil_key

),

-- The first entry in a subject counts, if it was not after Year 11: a later resit is no prior attainment.
gcse as (

    select distinct on (graded.school_id, graded.pupil_key, graded.qualification, graded.subject)
        graded.school_id,
        graded.pupil_key,
        graded.points,
        graded.result_date,
        coalesce(attainment8_subject.slots, 1) as slots
    from graded
    inner join pupil
        on
            graded.school_id = pupil.school_id
            and graded.pupil_key = pupil.pupil_key
    left join attainment8_subject
        on
            graded.qualification = attainment8_subject.qualification
            and graded.subject = attainment8_subject.subject
    where
        graded.stage = 'ks4' and graded.kind = 'statutory'
        and (
            pupil.date_of_birth is null or graded.result_date is null
            or graded.result_date <= make_date({{ summer_of_year('pupil.date_of_birth', 11) }}, 8, 31)
        )
    order by
        graded.school_id asc, graded.pupil_key asc, graded.qualification asc, graded.subject asc,
        graded.result_date asc nulls last, graded.points desc

),

ks4_mean as (

    select
        school_id,
        pupil_key,
        'ks4_ks5' as stage,
        'ks4_mean' as prior_measure,
        sum(points * slots) / sum(slots) as prior_value,
        max(result_date) as as_of,
        sum(slots) || ' GCSEs and equivalents' as basis
    from gcse
    group by school_id, pupil_key

),

-- What the school's pupils have on average, in whole points as the look-ups have it.
school_mean as (

    select
        ks2_mean.school_id,
        avg(ks2_mean.prior_value) as mean,
        count(*) as pupils
    from ks2_mean
    inner join pupil
        on
            ks2_mean.school_id = pupil.school_id
            and ks2_mean.pupil_key = pupil.pupil_key
    where pupil.is_on_roll
    group by ks2_mean.school_id
    having count(*) >= {{ var('school_prior_minimum_pupils') }}

),

-- For pupils who had no tests to sit. Whoever has no score although the cohort sat them is better known by the group of
-- entrants without one.
of_school as (

    select
        pupil.school_id,
        pupil.pupil_key,
        'ks2_ks4' as stage,
        'school' as prior_measure,
        round(school_mean.mean) as prior_value,
        null::date as as_of,
        'Mean ' || round(school_mean.mean, 1) || ' of ' || school_mean.pupils || ' pupils of the school' as basis
    from pupil
    inner join school_mean
        on pupil.school_id = school_mean.school_id
    left join nc_year
        on pupil.nc_year = nc_year.nc_year
    left join ks2_mean
        on
            pupil.school_id = ks2_mean.school_id
            and pupil.pupil_key = ks2_mean.pupil_key
    where
        nc_year.year_order >= 7
        and ks2_mean.pupil_key is null
        and coalesce({{ ks2_summer }} in {{ untested }}, true)

),

-- Whoever has no score of a cohort that sat the tests came from abroad or an independent school, or could not sit them.
national as (

    select
        pupil.school_id,
        pupil.pupil_key,
        'ks2_ks4' as stage,
        'national' as prior_measure,
        case
            when
                ks2_mean.pupil_key is null and {{ ks2_summer }} not in {{ untested }}
                then 1
            else 0
        end::numeric as prior_value,
        null::date as as_of,
        case
            when ks2_mean.pupil_key is not null then 'All entrants'
            when {{ ks2_summer }} in {{ untested }} then 'All entrants: no KS2 tests in ' || {{ ks2_summer }}
            when pupil.date_of_birth is null then 'All entrants: cohort not known'
            else 'Entrants without a KS2 score'
        end as basis
    from pupil
    left join nc_year
        on pupil.nc_year = nc_year.nc_year
    left join ks2_mean
        on
            pupil.school_id = ks2_mean.school_id
            and pupil.pupil_key = ks2_mean.pupil_key
    where nc_year.year_order >= 7

),

found as (
    {%- for measure in ['ks2_mean', 'judged', 'ks1_mean', 'standardised_test', 'ks4_mean', 'of_school', 'national'] %}
    {{ 'union all' if not loop.first }}
    select * from {{ measure }}
    {%- endfor %}

)

select
    school_id,
    pupil_key,
    stage,
    prior_measure,
    array_position({{ prior_measure_array() }}, prior_measure)::smallint as place,
    prior_value::numeric(8, 4) as prior_value,
    as_of,
    basis
from found
