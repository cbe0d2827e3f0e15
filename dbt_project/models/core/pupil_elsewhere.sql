with

pupil as (

    select * from {{ ref('pupil') }}

),

school as (

    select * from {{ ref('school') }}

),

-- A UPN alone is mistyped or given twice, a date of birth alone is shared by many.
known as (

    select
        pupil.school_id,
        pupil.pupil_key,
        pupil.upn,
        pupil.date_of_birth,
        pupil.is_on_roll
    from pupil
    inner join school
        on pupil.school_id = school.school_id
    where pupil.upn <> '' and pupil.date_of_birth is not null and school.state = 'approved'

)

select
    known.school_id,
    known.pupil_key,
    elsewhere.school_id as other_school_id,
    elsewhere.pupil_key as other_pupil_key
from known
inner join known as elsewhere
    on
        known.upn = elsewhere.upn
        and known.date_of_birth = elsewhere.date_of_birth
        and known.school_id <> elsewhere.school_id
where known.is_on_roll
