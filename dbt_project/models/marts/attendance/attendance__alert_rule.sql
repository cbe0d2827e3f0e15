with

school_alert_rule as (

    select * from {{ ref('school_alert_rule') }}

)

select
    school_id,
    rule_id,
    rule_title,
    measure,
    unit,
    is_enabled,
    threshold,
    upper_threshold,
    look_back,
    look_back_unit,
    minimum_sessions,
    severity,
    what_to_do,
    is_set_by_school,
    set_at
from school_alert_rule
