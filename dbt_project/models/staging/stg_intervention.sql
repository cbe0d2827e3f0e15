with

source as (

    select * from {{ source('ops', 'intervention') }}

),

renamed as (

    select
        entry_id,
        intervention_id,
        action,
        school_id,
        pupil_key,
        kind,
        started_on,
        ended_on,
        recorded_at
    from source
    where {{ not_withdrawn() }}

)

select * from renamed
