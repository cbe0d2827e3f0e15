with

pool_fit as (

    select * from {{ source('estimates', 'pool_fit') }}

),

pool_subject as (

    select * from {{ source('estimates', 'pool_subject') }}

),

pool_school as (

    select * from {{ source('estimates', 'pool_school') }}

),

in_use as (

    select distinct on (stage)
        fit_id,
        stage,
        run_id
    from pool_fit
    order by stage asc, last_used_at desc, fit_id desc

),

judged as (

    select
        pool_school.*,
        in_use.stage,
        in_use.run_id,
        pool_school.results < {{ var('suppression_minimum_enrolments') }} as is_suppressed
    from pool_school
    inner join in_use
        on pool_school.fit_id = in_use.fit_id

)

select
    judged.school_id,
    judged.stage,
    judged.qualification,
    judged.subject,
    judged.results,
    case when not judged.is_suppressed then judged.effect end as effect,
    case when not judged.is_suppressed then judged.effect_se end as effect_se,
    case when not judged.is_suppressed then judged.percentile end as percentile,
    pool_subject.schools as pool_schools,
    pool_subject.effect_sd as pool_sd,
    pool_subject.effect_sd_low as pool_sd_low,
    pool_subject.effect_sd_high as pool_sd_high,
    judged.fit_id,
    judged.run_id,
    judged.is_suppressed
from judged
inner join pool_subject
    on
        judged.fit_id = pool_subject.fit_id
        and judged.qualification = pool_subject.qualification
        and judged.subject = pool_subject.subject
