with

source as (

    select * from {{ source('ops', 'alert_rule_setting') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

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
    where school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
