with

census_roll as (

    select * from {{ ref('census_roll') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

attribute_permission as (

    select * from {{ ref('attribute_permission') }}

),

null_word as (

    {{ null_words() }}

),

exclusion as (

    select * from {{ ref('attendance__exclusion') }}

),

published_suspension as (

    select * from {{ ref('published_suspension') }}

),

excluded as (

    select
        school_id,
        academic_year,
        pupil_key,
        count(*) filter (where exclusion_type = 'suspension') as suspensions,
        coalesce(sum(days) filter (where exclusion_type = 'suspension'), 0) as days_lost,
        count(*) filter (where exclusion_type = 'permanent') as permanent_exclusions
    from exclusion
    where exclusion_type in ('suspension', 'permanent')
    group by school_id, academic_year, pupil_key

),

-- A pupil suspended in autumn who left before the census is no part of the headcount and still suspended.
person as (

    select
        coalesce(census_roll.school_id, excluded.school_id) as school_id,
        coalesce(census_roll.academic_year, excluded.academic_year) as academic_year,
        coalesce(census_roll.pupil_key, excluded.pupil_key) as pupil_key,
        case when census_roll.school_id is null then 0 else 1 end as headcount,
        coalesce(excluded.suspensions, 0) as suspensions,
        coalesce(excluded.days_lost, 0) as days_lost,
        coalesce(excluded.permanent_exclusions, 0) as permanent_exclusions
    from census_roll
    full outer join excluded
        on
            census_roll.school_id = excluded.school_id
            and census_roll.academic_year = excluded.academic_year
            and census_roll.pupil_key = excluded.pupil_key

),

counted as (

    select
        person.school_id,
        person.academic_year,
        pupil_group.group_name,
        pupil_group.group_value,
        sum(person.headcount) as headcount,
        sum(person.suspensions) as suspensions,
        count(*) filter (where person.suspensions > 0) as suspended_pupils,
        count(*) filter (where person.suspensions > 1) as repeatedly_suspended_pupils,
        sum(person.days_lost) as days_lost,
        sum(person.permanent_exclusions) as permanent_exclusions
    from person
    inner join pupil
        on
            person.school_id = pupil.school_id
            and person.pupil_key = pupil.pupil_key
    left join roll_year
        on
            person.school_id = roll_year.school_id
            and person.pupil_key = roll_year.pupil_key
            and person.academic_year = roll_year.academic_year
    left join characteristics
        on
            person.school_id = characteristics.school_id
            and person.pupil_key = characteristics.pupil_key
    left join null_word
        on person.school_id = null_word.school_id
    cross join lateral {{ pupil_group_values('roll_year.year_group', 'pupil.sex', 'characteristics') }}
    group by person.school_id, person.academic_year, pupil_group.group_name, pupil_group.group_value

),

census as (

    select
        school_id,
        academic_year,
        max(census_date) as census_date
    from census_roll
    group by school_id, academic_year

),

national as (

    select * from published_suspension
    where period = 'full year' and phase = 'Total'

)

select
    counted.school_id,
    counted.academic_year,
    counted.group_name,
    counted.group_value,
    census.census_date,
    counted.headcount::integer as exact_enrolments,
    counted.headcount::integer as headcount,
    counted.suspensions::integer as suspensions,
    counted.suspended_pupils::integer as suspended_pupils,
    counted.repeatedly_suspended_pupils::integer as repeatedly_suspended_pupils,
    counted.days_lost::numeric(9, 1) as days_lost,
    counted.permanent_exclusions::integer as permanent_exclusions,
    {{ percentage('counted.suspensions', 'counted.headcount') }}::numeric(12, 6) as suspension_rate,
    {{ percentage('counted.suspended_pupils', 'counted.headcount') }}::numeric(12, 6) as suspended_pupils_rate,
    {{ percentage('counted.permanent_exclusions', 'counted.headcount') }}::numeric(12, 6) as permanent_exclusion_rate,
    national.suspension_rate::numeric(12, 6) as national_suspension_rate,
    national.permanent_exclusion_rate::numeric(12, 6) as national_permanent_exclusion_rate,
    national.release as national_release
from counted
left join census
    on
        counted.school_id = census.school_id
        and counted.academic_year = census.academic_year
left join national
    on counted.academic_year = national.academic_year
