with

group_year as (

    select * from {{ ref('group_year') }}

)

select
    school_id,
    academic_year,
    group_1,
    value_1,
    group_2,
    value_2,
    enrolments as exact_enrolments,
    enrolments,
    persistently_absent_enrolments,
    severely_absent_enrolments,
    {{ count_columns() }},
    {{ session_rates() }},
    {{ percentage('persistently_absent_enrolments', 'enrolments') }} as persistent_absence_rate,
    {{ percentage('severely_absent_enrolments', 'enrolments') }} as severe_absence_rate
from group_year
