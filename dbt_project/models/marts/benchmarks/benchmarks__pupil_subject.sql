with

pupil_subject as (

    select * from {{ ref('pupil_subject') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

prior_attainment as (

    select * from {{ ref('prior_attainment') }}

),

estimate_lookup as (

    select * from {{ ref('estimate_lookup') }}

),

lookup_alias as (

    select * from {{ ref('lookup_alias') }}

),

lookup_row as materialized (

    select distinct
        estimate_lookup.stage,
        estimate_lookup.qualification,
        estimate_lookup.level,
        estimate_lookup.subject,
        estimate_lookup.family,
        estimate_lookup.sex,
        estimate_lookup.prior_measure,
        estimate_lookup.prior_value,
        {{ basis_key('estimate_lookup') }} as basis_key
    from estimate_lookup

),

studied as (

    select
        qualification,
        subject,
        min(family) as family
    from pupil_subject
    group by qualification, subject

),

-- What the look-ups call a subject: by its own name, or by that of an alias.
named as (

    select
        qualification,
        subject,
        family,
        qualification as lookup_qualification,
        subject as lookup_subject
    from studied
    union all
    select
        studied.qualification,
        studied.subject,
        studied.family,
        lookup_alias.lookup_qualification,
        lookup_alias.lookup_subject
    from studied
    inner join lookup_alias
        on
            studied.qualification = lookup_alias.qualification
            and studied.subject = lookup_alias.subject

),

candidate as (

    select
        named.qualification,
        named.subject,
        lookup_row.stage,
        lookup_row.level,
        lookup_row.family,
        lookup_row.sex,
        lookup_row.prior_measure,
        lookup_row.prior_value,
        lookup_row.basis_key
    from named
    inner join lookup_row
        on
            named.lookup_qualification = lookup_row.qualification
            and lookup_row.level = 'subject'
            and named.lookup_subject = lookup_row.subject

),

-- For A levels the value-added curves go before the matrices, whose students had GCSEs graded in 2021 and 2022.
subject_stage as (

    select distinct on (qualification, subject)
        qualification,
        subject,
        stage,
        family
    from candidate
    order by qualification asc, subject asc, stage <> 'level3' asc, stage asc

),

-- A subject without national figures goes with its family, one without a family with all subjects.
placed as (

    select
        studied.qualification,
        studied.subject,
        coalesce(subject_stage.stage, qualification_stage.stage) as stage,
        coalesce(subject_stage.family, studied.family) as family
    from studied
    left join subject_stage
        on
            studied.qualification = subject_stage.qualification
            and studied.subject = subject_stage.subject
    left join (
        select
            qualification,
            min(stage) as stage
        from lookup_row
        group by qualification
    ) as qualification_stage
        on studied.qualification = qualification_stage.qualification

),

ranked as (

    select
        candidate.qualification,
        candidate.subject,
        candidate.stage,
        candidate.sex,
        candidate.prior_measure,
        candidate.prior_value,
        candidate.basis_key,
        1 as place
    from candidate
    inner join placed
        on
            candidate.qualification = placed.qualification
            and candidate.subject = placed.subject
            and candidate.stage = placed.stage
    union all
    select
        placed.qualification,
        placed.subject,
        placed.stage,
        lookup_row.sex,
        lookup_row.prior_measure,
        lookup_row.prior_value,
        lookup_row.basis_key,
        case lookup_row.level when 'family' then 2 else 3 end as place
    from placed
    inner join lookup_row
        on
            placed.qualification = lookup_row.qualification
            and placed.stage = lookup_row.stage
            and (
                (lookup_row.level = 'family' and placed.family = lookup_row.subject)
                or lookup_row.level = 'all'
            )

),

-- Where too few entrants without a score have sat a subject, those without one stand with all its entrants.
reachable as (

    select
        qualification,
        subject,
        stage,
        sex,
        prior_measure,
        prior_value,
        basis_key,
        place,
        1 as detour
    from ranked
    union all
    select
        qualification,
        subject,
        stage,
        sex,
        prior_measure,
        1 as prior_value,
        basis_key,
        place,
        2 as detour
    from ranked
    where prior_measure = 'national' and prior_value = 0

),

-- One row a subject, sex and point of prior attainment: what a pupil like that stands on.
choice as materialized (

    select distinct on (
        reachable.qualification, reachable.subject, asked.sex, reachable.prior_measure, reachable.prior_value
    )
        reachable.qualification,
        reachable.subject,
        reachable.stage,
        asked.sex,
        reachable.prior_measure,
        reachable.prior_value,
        reachable.basis_key
    from reachable
    inner join (values ('F'), ('M'), ('all')) as asked (sex)
        on reachable.sex in (asked.sex, 'all')
    order by
        reachable.qualification asc, reachable.subject asc, asked.sex asc, reachable.prior_measure asc,
        reachable.prior_value asc, reachable.place asc, reachable.detour asc, reachable.sex = 'all' asc

),

point as (

    select
        stage,
        case stage when 'level3' then 'ks4_ks5' else stage end as pupil_stage,
        prior_measure,
        array_agg(distinct prior_value order by prior_value) as prior_values
    from lookup_row
    group by stage, prior_measure

),

-- A value belongs to the point at or just below it; what is lower than the first point belongs to the first, but has no
-- estimate by a curve of value added, which is not drawn beyond its knots.
located as (

    select
        prior_attainment.school_id,
        prior_attainment.pupil_key,
        prior_attainment.place,
        point.stage,
        prior_attainment.prior_measure,
        prior_attainment.prior_value,
        point.prior_values[
            greatest(
                width_bucket(prior_attainment.prior_value, point.prior_values),
                case point.stage when 'level3' then 0 else 1 end
            )
        ] as prior_point
    from prior_attainment
    inner join point
        on
            prior_attainment.stage = point.pupil_stage
            and prior_attainment.prior_measure = point.prior_measure

),

-- The best measure that the pupil has and the look-up knows.
pupil_point as (

    select distinct on (school_id, pupil_key, stage)
        school_id,
        pupil_key,
        stage,
        prior_measure,
        prior_value,
        prior_point
    from located
    order by school_id asc, pupil_key asc, stage asc, place asc

)

select
    pupil_subject.school_id,
    pupil_subject.pupil_key,
    pupil_subject.academic_year,
    pupil_subject.qualification,
    pupil_subject.subject,
    pupil_subject.year_group,
    pupil_subject.exam_year,
    pupil_subject.group_ids,
    pupil_point.prior_measure,
    pupil_point.prior_value,
    choice.basis_key,
    case
        when choice.basis_key is not null then null
        when placed.stage is null then 'no look-up of the qualification'
        when pupil_point.pupil_key is null then 'no prior attainment'
        else 'outside the look-up'
    end as gap
from pupil_subject
inner join pupil
    on
        pupil_subject.school_id = pupil.school_id
        and pupil_subject.pupil_key = pupil.pupil_key
left join placed
    on
        pupil_subject.qualification = placed.qualification
        and pupil_subject.subject = placed.subject
left join pupil_point
    on
        pupil_subject.school_id = pupil_point.school_id
        and pupil_subject.pupil_key = pupil_point.pupil_key
        and placed.stage = pupil_point.stage
left join choice
    on
        pupil_subject.qualification = choice.qualification
        and pupil_subject.subject = choice.subject
        and choice.sex = case when pupil.sex in ('F', 'M') then pupil.sex else 'all' end
        and pupil_point.prior_measure = choice.prior_measure
        and pupil_point.prior_point = choice.prior_value
