with

pupil as (

    select * from {{ ref('pupil') }}

),

person as (

    select * from {{ ref('person') }}

),

school as (

    select * from {{ ref('school') }}

),

known as (

    select
        person.school_id,
        person.pupil_key,
        person.person_key,
        pupil.is_on_roll
    from person
    inner join pupil
        on
            person.school_id = pupil.school_id
            and person.pupil_key = pupil.pupil_key
    inner join school
        on person.school_id = school.school_id
    where person.records > 1 and school.state = 'approved'

)

select
    known.school_id,
    known.pupil_key,
    elsewhere.school_id as other_school_id,
    elsewhere.pupil_key as other_pupil_key
from known
inner join known as elsewhere
    on
        known.person_key = elsewhere.person_key
        and known.school_id <> elsewhere.school_id
where known.is_on_roll
