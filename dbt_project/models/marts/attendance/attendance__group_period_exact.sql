with

group_period as (

    select * from {{ ref('group_period') }}

)

select
    school_id,
    academic_year,
    period_type,
    period,
    group_1,
    value_1,
    enrolments as exact_enrolments,
    enrolments,
    persistently_absent_enrolments,
    severely_absent_enrolments,
    {{ count_columns() }},
    {{ session_rates() }},
    {{ percentage('persistently_absent_enrolments', 'enrolments') }} as persistent_absence_rate,
    {{ percentage('severely_absent_enrolments', 'enrolments') }} as severe_absence_rate
from group_period
