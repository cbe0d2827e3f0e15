with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

estimate_lookup as (

    select * from {{ ref('estimate_lookup') }}

),

used as (

    select distinct basis_key
    from pupil_subject

),

keyed as (

    select
        estimate_lookup.*,
        {{ basis_key('estimate_lookup') }} as basis_key
    from estimate_lookup

)

select
    keyed.basis_key,
    keyed.challenge,
    keyed.stage,
    keyed.qualification,
    keyed.subject,
    keyed.level,
    keyed.sex,
    keyed.prior_measure,
    keyed.prior_value,
    keyed.estimate_grade,
    keyed.estimate_points,
    keyed.chance,
    keyed.chance_higher,
    keyed.chance_lower,
    keyed.expected_points,
    keyed.points_sd,
    keyed.standard_error,
    keyed.grades,
    keyed.points,
    keyed.chances,
    keyed.basis_n,
    keyed.effective_n,
    keyed.reliability,
    keyed.method,
    keyed.run_id,
    keyed.reference_year,
    keyed.release,
    keyed.source,
    keyed.caveat
from keyed
inner join used
    on keyed.basis_key = used.basis_key
