with

source as (

    select * from {{ source('raw', 'prior_attendance') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        academic_year,
        la_code,
        establishment_number,
        la_code || establishment_number as laestab,
        sessions_possible as possible_sessions,
        sessions_attended as attended_sessions,
        sessions_authorised as authorised_sessions,
        sessions_unauthorised as unauthorised_sessions
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
