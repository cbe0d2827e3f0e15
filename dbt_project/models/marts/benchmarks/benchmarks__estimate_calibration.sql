with

calibration_test as (

    select * from {{ source('estimates', 'calibration_test') }}

),

calibration_score as (

    select * from {{ source('estimates', 'calibration_score') }}

),

reference as (

    select * from {{ source('estimates', 'reference') }}

),

latest as (

    select distinct on (stage)
        test_id,
        stage,
        fitted_digest,
        scored_digest,
        method_version
    from calibration_test
    order by stage asc, tested_at desc, test_id desc

)

select
    latest.stage,
    calibration_score.way,
    calibration_score.slice,
    calibration_score.slice_value,
    fitted.reference_year as fitted_year,
    scored.reference_year as scored_year,
    latest.method_version,
    calibration_score.pupils,
    calibration_score.ranked_probability_score,
    calibration_score.log_loss,
    calibration_score.bias,
    calibration_score.absolute_bias_by_subject,
    calibration_score.coverage_50,
    calibration_score.coverage_80,
    calibration_score.coverage_95
from latest
inner join calibration_score
    on latest.test_id = calibration_score.test_id
inner join reference as fitted
    on latest.fitted_digest = fitted.digest
inner join reference as scored
    on latest.scored_digest = scored.digest
