with

enrolment as (

    select * from {{ ref('enrolment') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

-- Before the census of the year, the latest day with a session stands for it.
census as (

    select
        school_id,
        academic_year,
        least(max(session_date), {{ spring_census_day('academic_year') }}) as census_date
    from school_day
    where am_is_open or pm_is_open
    group by school_id, academic_year

)

select distinct
    census.school_id,
    census.academic_year,
    enrolment.pupil_key,
    census.census_date
from census
inner join enrolment
    on
        census.school_id = enrolment.school_id
        and coalesce(enrolment.start_date, census.census_date) <= census.census_date
        and (census.census_date <= enrolment.end_date or (enrolment.end_date is null and not enrolment.is_leaver))
left join characteristics
    on
        enrolment.school_id = characteristics.school_id
        and enrolment.pupil_key = characteristics.pupil_key
where coalesce(characteristics.enrolment_status, 'C') in ('C', 'M')
