with

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

school as (

    select * from {{ ref('attendance__school') }}

),

national_rate as (

    select * from {{ ref('attendance__national_rate') }}

),

calendar as (

    select
        school_id,
        academic_year,
        count(*) filter (where is_open_day) as school_days,
        max(session_date) filter (where is_open_day) as last_session_date
    from school_day
    group by school_id, academic_year

),

counted as (

    select
        school_id,
        academic_year,
        count(*) filter (where possible_sessions > 0) as enrolments,
        count(*) filter (where is_persistently_absent) as persistently_absent_enrolments,
        count(*) filter (where is_severely_absent) as severely_absent_enrolments,
        {{ summed_counts() }}
    from pupil_year
    where is_statistical
    group by school_id, academic_year

),

national as (

    select
        academic_year,
        national_phase,
        max(rate) filter (where measure = 'attendance_rate') as attendance_rate,
        max(rate) filter (where measure = 'absence_rate') as absence_rate,
        max(rate) filter (where measure = 'authorised_rate') as authorised_rate,
        max(rate) filter (where measure = 'unauthorised_rate') as unauthorised_rate,
        max(rate) filter (where measure = 'persistent_absence_rate') as persistent_absence_rate
    from national_rate
    group by academic_year, national_phase

)

select
    counted.school_id,
    counted.academic_year,
    calendar.school_days::integer as school_days,
    calendar.last_session_date,
    counted.enrolments::integer as enrolments,
    counted.persistently_absent_enrolments::integer as persistently_absent_enrolments,
    counted.severely_absent_enrolments::integer as severely_absent_enrolments,
    {{ count_columns('counted') }},
    {{ session_rates('counted') }},
    {{ percentage('counted.persistently_absent_enrolments', 'counted.enrolments') }} as persistent_absence_rate,
    {{ percentage('counted.severely_absent_enrolments', 'counted.enrolments') }} as severe_absence_rate,
    school.national_phase,
    national.attendance_rate as national_attendance_rate,
    national.absence_rate as national_absence_rate,
    national.authorised_rate as national_authorised_rate,
    national.unauthorised_rate as national_unauthorised_rate,
    national.persistent_absence_rate as national_persistent_absence_rate
from counted
inner join calendar
    on
        counted.school_id = calendar.school_id
        and counted.academic_year = calendar.academic_year
inner join school
    on counted.school_id = school.school_id
left join national
    on
        counted.academic_year = national.academic_year
        and school.national_phase = national.national_phase
