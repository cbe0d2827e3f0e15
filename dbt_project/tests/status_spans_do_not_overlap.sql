-- Spans of one pupil and kind that share a day.
with

pupil_status_history as (

    select * from {{ ref('pupil_status_history') }}

),

followed as (

    select
        school_id,
        pupil_key,
        kind,
        start_date,
        end_date,
        lead(start_date) over (partition by school_id, pupil_key, kind order by start_date) as next_start_date
    from pupil_status_history

)

select
    school_id,
    pupil_key,
    kind,
    start_date,
    end_date
from followed
where next_start_date <= coalesce(end_date, date '9999-12-31')
