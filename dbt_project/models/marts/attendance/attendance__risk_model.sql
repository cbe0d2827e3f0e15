with

risk_fit as (

    select * from {{ source('estimates', 'risk_fit') }}

),

risk_coefficient as (

    select * from {{ source('estimates', 'risk_coefficient') }}

),

reliability as (

    select * from {{ ref('attendance__risk_reliability') }}

),

in_use as (

    select
        fit_id,
        recipe,
        inputs_hash,
        fitted_at,
        academic_years,
        pupil_years,
        persistent_pupil_years,
        held_out_pupil_years,
        reason
    from risk_fit
    order by last_used_at desc, fit_id desc
    limit 1

),

fitted_phase as (

    select
        fit_id,
        phase,
        max(pupil_years) as pupil_years
    from risk_coefficient
    group by fit_id, phase

)

select
    coalesce(fitted_phase.phase, 'All') as phase,
    in_use.fit_id,
    in_use.recipe,
    in_use.inputs_hash,
    in_use.fitted_at,
    array_to_string(in_use.academic_years, ', ') as academic_years,
    coalesce(fitted_phase.pupil_years, in_use.pupil_years) as pupil_years,
    in_use.held_out_pupil_years,
    reliability.predictions as tested_predictions,
    reliability.pupils as tested_pupils,
    reliability.predicted_mean,
    reliability.observed_share,
    reliability.brier,
    reliability.brier_base_rate,
    reliability.brier_over_ten_now,
    in_use.reason
from in_use
left join fitted_phase
    on in_use.fit_id = fitted_phase.fit_id
left join reliability
    on
        reliability.test = 'each pupil in turn'
        and reliability.bin = 0
        and reliability.slice = case when fitted_phase.phase = 'All' then 'all' else 'phase' end
        and reliability.slice_value = case when fitted_phase.phase = 'All' then 'all' else fitted_phase.phase end
