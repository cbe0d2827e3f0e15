with

risk_fit as (

    select * from {{ source('estimates', 'risk_fit') }}

),

risk_reliability as (

    select * from {{ source('estimates', 'risk_reliability') }}

),

in_use as (

    select fit_id
    from risk_fit
    order by last_used_at desc, fit_id desc
    limit 1

),

-- The share of a few pupils would tell how single ones ended their year.
judged as (

    select
        risk_reliability.*,
        risk_reliability.pupils < 6 as is_suppressed
    from risk_reliability
    inner join in_use
        on risk_reliability.fit_id = in_use.fit_id

)

select
    test,
    slice,
    slice_value,
    bin,
    fit_id,
    predictions,
    pupils,
    predicted_mean,
    case when not is_suppressed then observed_share end as observed_share,
    case when not is_suppressed then brier end as brier,
    case when not is_suppressed then brier_base_rate end as brier_base_rate,
    case when not is_suppressed then brier_over_ten_now end as brier_over_ten_now,
    is_suppressed
from judged
