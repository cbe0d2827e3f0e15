with

pupil_taught as (

    select * from {{ ref('pupil_taught') }}

),

school as (

    select * from {{ ref('school') }}

),

taught_subject as (

    select * from {{ ref('taught_subject') }}

),

met as (

    select distinct
        pupil_taught.school_id,
        school.laestab,
        pupil_taught.key_stage,
        pupil_taught.taught_subject
    from pupil_taught
    inner join school
        on pupil_taught.school_id = school.school_id

),

candidate as (

    select
        met.school_id,
        met.key_stage,
        met.taught_subject,
        taught_subject.stage,
        taught_subject.qualification,
        taught_subject.subject,
        taught_subject.family,
        -- What is said of a school stands in place of all that is said of every school.
        taught_subject.laestab = '*'
        and bool_or(taught_subject.laestab <> '*')
            over (partition by met.school_id, met.key_stage, met.taught_subject)
            as is_replaced,
        taught_subject.taught_subject is not null as is_met
    from met
    left join taught_subject
        on
            taught_subject.laestab in ('*', met.laestab)
            and met.key_stage = taught_subject.key_stage
            and lower(met.taught_subject) = lower(taught_subject.taught_subject)

)

select
    school_id,
    key_stage,
    taught_subject,
    coalesce(qualification, 'none') as qualification,
    coalesce(subject, 'none') as subject,
    case
        when qualification is not null then 'mapped'
        when is_met then 'not examined'
        else 'not mapped'
    end as mapping,
    stage,
    family
from candidate
where not coalesce(is_replaced, false)
