with

enrolment as (

    select * from {{ ref('enrolment') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

nc_year as (

    select * from {{ ref('nc_year') }}

),

academic_year as (

    select
        academic_year,
        min(starts_on) as starts_on,
        max(ends_on) as ends_on,
        max(ends_on) filter (where half_term = 5) as may_half_term_ends_on
    from half_term
    group by academic_year

),

school_year as (

    select distinct
        school_id,
        academic_year
    from school_day

),

dated_school_year as (

    select
        school_year.school_id,
        academic_year.academic_year,
        academic_year.starts_on,
        academic_year.ends_on,
        academic_year.may_half_term_ends_on
    from school_year
    inner join academic_year
        on school_year.academic_year = academic_year.academic_year

),

on_roll as (

    select
        enrolment.school_id,
        enrolment.pupil_key,
        dated_school_year.academic_year,
        dated_school_year.ends_on,
        dated_school_year.may_half_term_ends_on,
        min(greatest(enrolment.start_date, dated_school_year.starts_on)) as on_roll_from,
        max(least(enrolment.end_date, dated_school_year.ends_on)) as on_roll_to
    from enrolment
    inner join dated_school_year
        on
            enrolment.school_id = dated_school_year.school_id
            and coalesce(enrolment.start_date, dated_school_year.starts_on) <= dated_school_year.ends_on
            and coalesce(enrolment.end_date, dated_school_year.ends_on) >= dated_school_year.starts_on
    group by
        enrolment.school_id, enrolment.pupil_key, dated_school_year.academic_year, dated_school_year.ends_on,
        dated_school_year.may_half_term_ends_on

),

aged as (

    select
        on_roll.school_id,
        on_roll.pupil_key,
        on_roll.academic_year,
        on_roll.ends_on,
        on_roll.may_half_term_ends_on,
        on_roll.on_roll_from,
        on_roll.on_roll_to,
        -- Four months on, 31 August is the last day of its year and 1 September the first of the next.
        on_roll.academic_year / 100
        - extract(year from pupil.date_of_birth + interval '4 months')::integer as age_on_31_august,
        (pupil.date_of_birth + interval '5 years')::date as fifth_birthday,
        extract(year from pupil.date_of_birth + interval '16 years 4 months')::integer as leaving_year
    from on_roll
    inner join pupil
        on
            on_roll.school_id = pupil.school_id
            and on_roll.pupil_key = pupil.pupil_key

)

select
    aged.school_id,
    aged.pupil_key,
    aged.academic_year,
    aged.on_roll_from,
    aged.on_roll_to,
    aged.age_on_31_august,
    nc_year.nc_year as year_group,
    coalesce(aged.age_on_31_august between 5 and 15, false) as is_compulsory_age,
    aged.on_roll_from > aged.may_half_term_ends_on as is_late_joiner,
    case when aged.age_on_31_august = 15 then aged.may_half_term_ends_on else aged.ends_on end as counted_until,
    -- The prescribed day on or after the fifth birthday: 31 March, 31 August or 31 December.
    case
        when to_char(aged.fifth_birthday, 'MMDD') <= '0331'
            then make_date(extract(year from aged.fifth_birthday)::integer, 3, 31)
        when to_char(aged.fifth_birthday, 'MMDD') <= '0831'
            then make_date(extract(year from aged.fifth_birthday)::integer, 8, 31)
        else make_date(extract(year from aged.fifth_birthday)::integer, 12, 31)
    end as legal_compulsory_from,
    -- The last Friday of June of the school year in which the pupil turns 16.
    make_date(aged.leaving_year, 6, 30)
    - ((extract(isodow from make_date(aged.leaving_year, 6, 30))::integer + 2) % 7) as legal_compulsory_to
from aged
left join nc_year
    on aged.age_on_31_august - 4 = nc_year.year_order
