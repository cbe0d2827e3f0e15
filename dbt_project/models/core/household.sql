with

enrolment as (

    select * from {{ ref('stg_pupil') }}

),

-- The address of the latest enrolment, as core.pupil takes the latest for everything else.
latest as (

    select distinct on (school_id, person_id)
        school_id,
        person_id,
        address_line,
        postcode
    from enrolment
    order by school_id asc, person_id asc, is_leaver asc, start_date desc nulls last, pupil_id desc

),

-- "12, Mill Lane" and "12 MILL LANE" are one address; without a house there is none.
home as (

    select
        school_id,
        {{ stable_key('person_id') }} as pupil_key,
        nullif(regexp_replace(upper(address_line), '[^A-Z0-9]', '', 'g'), '') as address_line,
        nullif(regexp_replace(upper(postcode), '[^A-Z0-9]', '', 'g'), '') as postcode
    from latest

),

shared as (

    select
        school_id,
        pupil_key,
        -- Not a hash of the address: who knows the street could try its houses.
        min(pupil_key) over (partition by school_id, address_line, postcode) as household_key,
        count(*) over (partition by school_id, address_line, postcode) as pupils
    from home
    where address_line is not null and postcode is not null

)

select
    school_id,
    pupil_key,
    household_key,
    pupils::integer as pupils
from shared
-- More than eight are a children's home, a hostel or a boarding house.
where pupils between 2 and 8
