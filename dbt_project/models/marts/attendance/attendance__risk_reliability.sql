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

)

select
    risk_reliability.test,
    risk_reliability.slice,
    risk_reliability.slice_value,
    risk_reliability.bin,
    risk_reliability.fit_id,
    risk_reliability.predictions,
    risk_reliability.pupils,
    risk_reliability.predicted_mean,
    case when not few.is_few then risk_reliability.observed_share end as observed_share,
    case when not few.is_few then risk_reliability.brier end as brier,
    case when not few.is_few then risk_reliability.brier_base_rate end as brier_base_rate,
    case when not few.is_few then risk_reliability.brier_over_ten_now end as brier_over_ten_now,
    few.is_few as is_suppressed
from risk_reliability
inner join in_use
    on risk_reliability.fit_id = in_use.fit_id
-- The share of a few pupils would tell how single ones ended their year.
cross join lateral (select risk_reliability.pupils < 6 as is_few) as few
