with

risk_fit as (

    select * from {{ source('estimates', 'risk_fit') }}

),

risk_coefficient as (

    select * from {{ source('estimates', 'risk_coefficient') }}

),

in_use as (

    select fit_id
    from risk_fit
    order by last_used_at desc, fit_id desc
    limit 1

)

select
    risk_coefficient.phase,
    risk_coefficient.input,
    risk_coefficient.fit_id,
    risk_coefficient.coefficient
from risk_coefficient
inner join in_use
    on risk_coefficient.fit_id = in_use.fit_id
