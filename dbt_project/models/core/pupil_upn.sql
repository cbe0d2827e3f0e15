with

enrolment as (

    select * from {{ ref('stg_pupil') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

version as (

    select * from {{ ref('snapshot__pupil_upn') }}

),

told as (

    select
        enrolment.school_id,
        enrolment.person_id,
        number.upn
    from enrolment
    cross join lateral (values (enrolment.upn), (enrolment.former_upn)) as number (upn)
    union distinct
    -- A permanent number that was overwritten is a correction: it was never the pupil's. A temporary one was.
    select
        enrolment.school_id,
        enrolment.person_id,
        version.upn
    from version
    inner join enrolment
        on
            version.school_id = enrolment.school_id
            and version.pupil_id = enrolment.pupil_id
    where version.upn ~ '[A-Z]$'

)

select
    told.school_id,
    pupil.pupil_key,
    told.upn,
    (pupil.upn is not distinct from told.upn) as is_present,
    {{ is_permanent_upn('told.upn') }} as is_permanent
from told
inner join pupil
    on
        told.school_id = pupil.school_id
        and told.person_id = pupil.person_id
where told.upn <> ''
