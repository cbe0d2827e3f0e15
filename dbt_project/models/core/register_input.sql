with

enrolment as (

    select * from {{ ref('enrolment') }}

),

register_year as (

    select * from {{ ref('register_year') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

-- A sum, for the order of rows must not matter. Rows whole, so that none of their columns can be forgotten.
calendar as (

    select
        school_id,
        academic_year,
        sum(hashtextextended(school_day::text, 0)) as fingerprint
    from school_day
    group by school_id, academic_year

),

-- An enrolment as far as the year goes: who leaves now leaves the years before as they are.
pupil_year as (

    select
        roll_year.school_id,
        roll_year.academic_year,
        sum(hashtextextended(concat_ws(
            '|', roll_year::text,
            row(
                enrolment.pupil_id, enrolment.is_only_enrolment, enrolment.is_leaver and enrolment.end_date is null,
                greatest(enrolment.start_date, {{ first_day('roll_year.academic_year') }}),
                least(enrolment.end_date, {{ first_day('roll_year.academic_year') }} + {{ year_length() // 2 - 1 }}),
                characteristics.enrolment_status, register_year.code_book
            )::text,
            register_year.marks, register_year.entered_codes, register_year.minutes_late
        ), 0)) as fingerprint
    from roll_year
    inner join enrolment
        on
            roll_year.school_id = enrolment.school_id
            and roll_year.pupil_key = enrolment.pupil_key
    left join register_year
        on
            roll_year.school_id = register_year.school_id
            and roll_year.academic_year = register_year.academic_year
            and enrolment.pupil_id = register_year.pupil_id
    left join characteristics
        on
            roll_year.school_id = characteristics.school_id
            and roll_year.pupil_key = characteristics.pupil_key
    group by roll_year.school_id, roll_year.academic_year

)

select
    calendar.school_id,
    calendar.academic_year,
    (calendar.fingerprint + coalesce(pupil_year.fingerprint, 0))::numeric(38) as fingerprint
from calendar
left join pupil_year
    on
        calendar.school_id = pupil_year.school_id
        and calendar.academic_year = pupil_year.academic_year
