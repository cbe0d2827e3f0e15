{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['school_id', 'pupil_id', 'session_date'],
        on_schema_change='fail',
        indexes=[{'columns': ['school_id', 'extract_id']}],
        pre_hook='{{ by_index() }}',
    )
}}

with

mark as not materialized (

    select * from {{ ref('stg_attendance_mark') }}

),

-- Read by an increment alone, but dbt sees a reference only outside the condition.
school as ( -- noqa: ST03

    select * from {{ ref('stg_school') }}

),

{% if is_incremental() %}

held as not materialized (

    select * from {{ this }}

),

-- A school's extracts come one after the other and are loaded whole (a retry from quarantine is an extract too), so
-- what is newer than the newest that is held is all that has changed.
newest as (

    select
        school.school_id,
        coalesce(last_held.extract_id, 0) as extract_id
    from school
    left join lateral (
        select max(held.extract_id) as extract_id
        from held
        where held.school_id = school.school_id
    ) as last_held on true

),

changed as (

    select distinct
        newest.school_id,
        newer.pupil_id,
        newer.session_date
    from newest
    cross join lateral (
        select
            mark.pupil_id,
            mark.session_date
        from mark
        where mark.school_id = newest.school_id and mark.extract_id > newest.extract_id
        offset 0
    ) as newer

),

-- Both sessions of a changed day are read again, for a row holds both.
stale as (

    select of_day.*
    from changed
    cross join lateral (
        select mark.*
        from mark
        where
            mark.school_id = changed.school_id
            and mark.pupil_id = changed.pupil_id
            and mark.session_date = changed.session_date
        offset 0
    ) as of_day

),

{% else %}

stale as (

    select * from mark

),

{% endif %}

day as (

    select
        school_id,
        session_date,
        max(extract_id) as extract_id,
        max(minutes_late) filter (where session = 'AM') as am_minutes_late,
        max(minutes_late) filter (where session = 'PM') as pm_minutes_late,
        pupil_id,
        max(code) filter (where session = 'AM') as am_code,
        max(code) filter (where session = 'PM') as pm_code
    from stale
    group by school_id, pupil_id, session_date

)

select
    school_id,
    session_date,
    extract_id,
    am_minutes_late,
    pm_minutes_late,
    pupil_id,
    am_code,
    pm_code
from day
-- In the key's order: filled so, its index takes 4 s a million rows less, and a pupil's days lie side by side.
order by school_id, pupil_id, session_date
