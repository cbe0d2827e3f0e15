with

source as (

    select * from {{ source('ops', 'alert_rule_setting') }}

),

renamed as (

    select
        school_id,
        rule_id,
        is_enabled,
        threshold,
        look_back,
        minimum_sessions,
        set_by,
        set_at
    from source
    where {{ not_withdrawn() }}

)

select * from renamed
