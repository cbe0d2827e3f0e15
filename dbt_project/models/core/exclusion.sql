with

exclusion as (

    select * from {{ ref('stg_exclusion') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

exclusion_type as (

    select * from {{ ref('exclusion_type') }}

),

exclusion_reason as (

    select * from {{ ref('exclusion_reason') }}

)

select
    exclusion.school_id,
    exclusion.exclusion_id,
    enrolment.pupil_key,
    {{ academic_year('exclusion.start_date') }} as academic_year,
    exclusion_type.exclusion_type,
    exclusion.reason_code,
    exclusion_reason.description as reason,
    exclusion.start_date,
    exclusion.end_date,
    exclusion.sessions::integer as sessions,
    upper(exclusion.start_session) as start_session,
    upper(exclusion.end_session) as end_session
from exclusion
inner join enrolment
    on
        exclusion.school_id = enrolment.school_id
        and exclusion.pupil_id = enrolment.pupil_id
left join exclusion_type
    on upper(exclusion.type_code) = exclusion_type.received
left join exclusion_reason
    on upper(exclusion.reason_code) = exclusion_reason.reason_code
where exclusion.start_date is not null
