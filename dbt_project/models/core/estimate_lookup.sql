with

lookup as (

    select * from {{ source('estimates', 'lookup') }}

),

lookup_run as (

    select * from {{ source('estimates', 'lookup_run') }}

),

lookup_use as (

    select * from {{ source('estimates', 'lookup_use') }}

),

in_use as (

    select distinct on (stage)
        stage,
        run_id
    from lookup_use
    order by stage asc, use_id desc

)

select
    in_use.stage,
    lookup.qualification,
    lookup.subject,
    lookup.level,
    lookup.sex,
    lookup.prior_measure,
    lookup.prior_value,
    lookup.challenge,
    lookup.family,
    lookup.estimate_grade,
    lookup.estimate_points,
    lookup.chance,
    lookup.chance_higher,
    lookup.chance_lower,
    lookup.expected_points,
    lookup.points_sd,
    lookup.standard_error,
    lookup.basis_n,
    lookup.effective_n,
    lookup.reliability,
    lookup.method,
    lookup.grades,
    lookup.points,
    lookup.chances,
    lookup.run_id,
    lookup_run.reference_year,
    lookup_run.release,
    lookup_run.source,
    lookup_run.caveat
from lookup
inner join in_use
    on lookup.run_id = in_use.run_id
inner join lookup_run
    on lookup.run_id = lookup_run.run_id
