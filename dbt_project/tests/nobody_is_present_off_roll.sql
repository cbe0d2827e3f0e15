-- Years in which a pupil was present before admission or after leaving.
with

register_year as (

    select * from {{ ref('register_year') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

off_roll as (

    select
        register_year.school_id,
        register_year.pupil_id,
        register_year.academic_year,
        enrolment.start_date,
        enrolment.end_date,
        left(register_year.marks, greatest(
            coalesce(2 * (enrolment.start_date - {{ first_day('register_year.academic_year') }}), 0), 0
        )) as marks_before,
        substr(register_year.marks, greatest(coalesce(
            2 * (enrolment.end_date - {{ first_day('register_year.academic_year') }}) + 3, {{ year_length() }} + 1
        ), 1)) as marks_after
    from register_year
    inner join enrolment
        on
            register_year.school_id = enrolment.school_id
            and register_year.pupil_id = enrolment.pupil_id

)

select *
from off_roll
where marks_before || marks_after <> translate(marks_before || marks_after, '/\L', '')
