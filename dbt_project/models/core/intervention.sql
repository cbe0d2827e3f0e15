with

entry as (

    select * from {{ ref('stg_intervention') }}

),

-- The log is append-only, and its last entry of an intervention states the whole.
latest as (

    select distinct on (school_id, intervention_id)
        school_id,
        intervention_id,
        pupil_key,
        action,
        kind,
        started_on,
        ended_on,
        recorded_at
    from entry
    order by school_id asc, intervention_id asc, entry_id desc

)

select
    school_id,
    intervention_id,
    pupil_key,
    kind,
    started_on,
    ended_on,
    recorded_at
from latest
where action <> 'withdraw'
