with

source as (

    select * from {{ source('raw', 'pupil_demographics') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        ethnicity,
        first_language,
        home_language,
        eal,
        eal_status,
        sen_status,
        fsm,
        fsm6,
        pupil_premium,
        in_care,
        ever_in_care,
        service_child,
        enrolment_status
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
