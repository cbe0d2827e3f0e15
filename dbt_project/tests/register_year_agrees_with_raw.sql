-- Schools in which core.register_year holds another number of marks than raw.
with

mark as (

    select * from {{ ref('stg_attendance_mark') }}

),

register_year as (

    select * from {{ ref('register_year') }}

),

raw_marks as (

    select
        school_id,
        count(code) as marks
    from mark
    group by school_id

),

core_marks as (

    select
        school_id,
        sum(length(replace(marks, ' ', ''))) as marks
    from register_year
    group by school_id

)

select
    coalesce(raw_marks.school_id, core_marks.school_id) as school_id,
    raw_marks.marks as marks_in_raw,
    core_marks.marks as marks_in_core
from raw_marks
full join core_marks
    on raw_marks.school_id = core_marks.school_id
where coalesce(raw_marks.marks, 0) <> coalesce(core_marks.marks, 0)
