with

calibration_test as (

    select * from {{ source('estimates', 'calibration_test') }}

),

calibration_reliability as (

    select * from {{ source('estimates', 'calibration_reliability') }}

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
    calibration_reliability.way,
    calibration_reliability.bin,
    fitted.reference_year as fitted_year,
    scored.reference_year as scored_year,
    latest.method_version,
    calibration_reliability.forecasts,
    calibration_reliability.forecast,
    calibration_reliability.observed
from latest
inner join calibration_reliability
    on latest.test_id = calibration_reliability.test_id
inner join reference as fitted
    on latest.fitted_digest = fitted.digest
inner join reference as scored
    on latest.scored_digest = scored.digest
