with

alert_measure as (

    select * from {{ ref('attendance___alert_measure') }}

),

current_day as (

    select * from {{ ref('attendance___current_day') }}

),

school_alert_rule as (

    select * from {{ ref('school_alert_rule') }}

),

school as (

    select
        school_id,
        max(academic_year) as academic_year,
        max(as_of) as as_of
    from current_day
    group by school_id

)

select
    alert_measure.school_id,
    alert_measure.pupil_key,
    alert_measure.rule_id,
    school.academic_year,
    school.as_of,
    alert_measure.since,
    school_alert_rule.severity,
    round(alert_measure.measured, 6) as measured,
    school_alert_rule.threshold,
    school_alert_rule.unit,
    -- To two places: 9.95 % would else read 10.0 %, and not be persistent absence.
    {{ fill('school_alert_rule.message', {
        'missed': 'alert_measure.missed',
        'possible': 'alert_measure.possible',
        'percent': 'round(100 * alert_measure.missed::numeric / nullif(alert_measure.possible, 0), 2)',
        'compared_percent': 'round(alert_measure.compared_percent, 2)',
        'look_back': 'school_alert_rule.look_back',
        'since': "to_char(alert_measure.since, 'FMDD FMMonth YYYY')"
    }) }} as why,
    school_alert_rule.what_to_do
from alert_measure
inner join school
    on alert_measure.school_id = school.school_id
inner join school_alert_rule
    on
        alert_measure.school_id = school_alert_rule.school_id
        and alert_measure.rule_id = school_alert_rule.rule_id
