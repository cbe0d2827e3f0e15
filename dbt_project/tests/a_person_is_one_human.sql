-- Person keys that hold two dates of birth, or two pupils of one school.
with

person as (

    select * from {{ ref('person') }}

),

pupil as (

    select * from {{ ref('pupil') }}

)

select person.person_key
from person
inner join pupil
    on
        person.school_id = pupil.school_id
        and person.pupil_key = pupil.pupil_key
group by person.person_key
having count(distinct pupil.date_of_birth) > 1 or count(*) > count(distinct person.school_id)
