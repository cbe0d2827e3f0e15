-- A mark that the partner took back stays here, without its code: core.register_year has to hear of it.
with

source as (

    select * from {{ source('raw', 'attendance_mark') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        mark_date as session_date,
        session,
        case when removed_at is null then coalesce(code, '?') end as code,
        case when removed_at is null then minutes_late end as minutes_late,
        extract_id
    from source
    where school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
