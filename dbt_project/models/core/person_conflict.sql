with

pupil as (

    select * from {{ ref('pupil') }}

),

pupil_upn as (

    select * from {{ ref('pupil_upn') }}

),

person as (

    select * from {{ ref('person') }}

),

person_by_upn as (

    select * from {{ ref('person_by_upn') }}

),

person_by_name as (

    select * from {{ ref('person_by_name') }}

),

numbered as (

    select
        pupil_upn.school_id,
        pupil_upn.pupil_key,
        pupil_upn.upn,
        pupil_upn.is_permanent,
        pupil.date_of_birth,
        person.person_key,
        person_by_upn.contradiction
    from pupil_upn
    inner join pupil
        on
            pupil_upn.school_id = pupil.school_id
            and pupil_upn.pupil_key = pupil.pupil_key
    inner join person
        on
            pupil_upn.school_id = person.school_id
            and pupil_upn.pupil_key = person.pupil_key
    left join person_by_upn
        on
            pupil_upn.school_id = person_by_upn.school_id
            and pupil_upn.pupil_key = person_by_upn.pupil_key
    where pupil.date_of_birth is not null

),

named as (

    select
        person_by_name.school_id,
        person_by_name.pupil_key,
        person_by_name.forename,
        person_by_name.surname,
        person_by_name.date_of_birth,
        person_by_name.contradiction,
        person.person_key
    from person_by_name
    inner join person
        on
            person_by_name.school_id = person.school_id
            and person_by_name.pupil_key = person.pupil_key

),

suspected as (

    select
        1 as place,
        one.school_id,
        one.pupil_key,
        other.school_id as other_school_id,
        other.pupil_key as other_pupil_key,
        'upn and date of birth' as alike_in,
        case
            when one.school_id = other.school_id then 'entered twice in one school'
            else coalesce(one.contradiction, other.contradiction, 'two pupils of one school')
        end as reason
    from numbered as one
    inner join numbered as other
        on
            one.upn = other.upn
            and one.date_of_birth = other.date_of_birth
            and one.person_key <> other.person_key
    union all
    select
        2 as place,
        one.school_id,
        one.pupil_key,
        other.school_id as other_school_id,
        other.pupil_key as other_pupil_key,
        'upn' as alike_in,
        'date of birth differs' as reason
    from numbered as one
    inner join numbered as other
        on
            one.upn = other.upn
            and one.date_of_birth <> other.date_of_birth
    where one.is_permanent
    union all
    select
        3 as place,
        one.school_id,
        one.pupil_key,
        other.school_id as other_school_id,
        other.pupil_key as other_pupil_key,
        'names and date of birth' as alike_in,
        coalesce(one.contradiction, other.contradiction, 'two pupils of one school') as reason
    from named as one
    inner join named as other
        on
            one.forename = other.forename
            and one.surname = other.surname
            and one.date_of_birth = other.date_of_birth
            and one.person_key <> other.person_key

)

select distinct on (school_id, pupil_key, other_school_id, other_pupil_key)
    school_id,
    pupil_key,
    other_school_id,
    other_pupil_key,
    alike_in,
    reason
from suspected
order by school_id, pupil_key, other_school_id, other_pupil_key, place, reason
