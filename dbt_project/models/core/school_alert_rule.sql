with

school as (

    select * from {{ ref('school') }}

),

alert_rule as (

    select * from {{ ref('alert_rule') }}

),

setting as (

    select * from {{ ref('stg_alert_rule_setting') }}

)

select
    school.school_id,
    alert_rule.rule_id,
    alert_rule.rule_title,
    alert_rule.measure,
    alert_rule.unit,
    coalesce(setting.is_enabled, true) as is_enabled,
    coalesce(setting.threshold, alert_rule.threshold)::numeric(6, 2) as threshold,
    alert_rule.upper_threshold,
    coalesce(setting.look_back, alert_rule.look_back)::smallint as look_back,
    alert_rule.look_back_unit,
    coalesce(setting.minimum_sessions, alert_rule.minimum_sessions)::smallint as minimum_sessions,
    alert_rule.severity,
    alert_rule.message,
    alert_rule.what_to_do,
    setting.rule_id is not null as is_set_by_school,
    setting.set_at
from school
cross join alert_rule
left join setting
    on
        school.school_id = setting.school_id
        and alert_rule.rule_id = setting.rule_id
