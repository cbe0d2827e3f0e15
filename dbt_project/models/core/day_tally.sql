{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['school_id', 'session_date'],
        on_schema_change='fail',
        pre_hook=["{{ forget_withdrawn(ref('stg_school')) }}", '{{ by_index() }}'],
    )
}}

{%- set possible = letters_meaning(['present', 'approved', 'authorised', 'unauthorised', 'covid']) %}

with

mark as not materialized (

    select * from {{ ref('stg_attendance_mark') }}

),

register_year as not materialized (

    select * from {{ ref('register_year') }}

),

attendance_code as (

    select * from {{ ref('attendance_code') }}

),

code_book as (

    select
        school_id,
        {{ code_book_hash() }} as code_book
    from attendance_code
    group by school_id

),

-- Read by an increment alone, but dbt sees a reference only outside the condition.
school as ( -- noqa: ST03

    select * from {{ ref('stg_school') }}

),

{% if is_incremental() %}

held as not materialized (

    select * from {{ this }}

),

held_to as (

    select
        school.school_id,
        case
            when last_held.code_book = code_book.code_book then last_held.extract_id
            else 0
        end as extract_id
    from school
    inner join code_book
        on school.school_id = code_book.school_id
    left join lateral (
        select
            max(held.extract_id) as extract_id,
            max(held.code_book) as code_book
        from held
        where held.school_id = school.school_id
    ) as last_held on true

),

changed as (

    select
        held_to.school_id,
        newer.session_date,
        newer.extract_id
    from held_to
    cross join lateral (
        select
            mark.session_date,
            mark.extract_id
        from mark
        where mark.school_id = held_to.school_id and mark.extract_id > held_to.extract_id
        offset 0
    ) as newer

),

{% else %}

changed as (

    select
        school_id,
        session_date,
        extract_id
    from mark

),

{% endif %}

changed_day as (

    select
        school_id,
        session_date,
        max(extract_id) as extract_id,
        {{ academic_year('session_date') }} as academic_year
    from changed
    group by school_id, session_date

),

-- A year is read a week at a time: most pupils share theirs with many, and half as often as a day.
changed_week as (

    select distinct
        school_id,
        academic_year,
        14 * (({{ am_position('session_date', 'academic_year') }} - 1) / 14) + 1 as first_position
    from changed_day

),

week as (

    select
        changed_week.school_id,
        changed_week.academic_year,
        changed_week.first_position,
        {{ letters_from('register_year.marks', 'changed_week.first_position', 14) }} as marks,
        count(*) as pupils
    from changed_week
    inner join register_year
        on
            changed_week.school_id = register_year.school_id
            and changed_week.academic_year = register_year.academic_year
    group by
        changed_week.school_id, changed_week.academic_year, changed_week.first_position,
        {{ letters_from('register_year.marks', 'changed_week.first_position', 14) }}

),

day as (

    select
        changed_day.school_id,
        changed_day.session_date,
        changed_day.extract_id,
        substr(
            week.marks, {{ am_position('changed_day.session_date', 'changed_day.academic_year') }}
            - week.first_position + 1, 1
        ) as am_letter,
        substr(
            week.marks, {{ am_position('changed_day.session_date', 'changed_day.academic_year') }}
            - week.first_position + 2, 1
        ) as pm_letter,
        week.pupils
    from changed_day
    inner join week
        on
            changed_day.school_id = week.school_id
            and changed_day.academic_year = week.academic_year
            and 14 * (({{ am_position('changed_day.session_date', 'changed_day.academic_year') }} - 1) / 14) + 1
            = week.first_position

)

select
    day.school_id,
    day.session_date,
    day.extract_id,
    code_book.code_book,
    coalesce(sum(day.pupils) filter (where day.am_letter <> ' ' or day.pm_letter <> ' '), 0)::integer as marked_pupils,
    coalesce(sum(day.pupils) filter (where day.am_letter <> ' '), 0)::integer as am_marks,
    coalesce(sum(day.pupils) filter (where day.pm_letter <> ' '), 0)::integer as pm_marks,
    coalesce(sum(day.pupils) filter (where strpos('{{ possible }}', day.am_letter) > 0), 0)::integer as am_possible,
    coalesce(sum(day.pupils) filter (where strpos('{{ possible }}', day.pm_letter) > 0), 0)::integer as pm_possible
from day
inner join code_book
    on day.school_id = code_book.school_id
group by day.school_id, day.session_date, day.extract_id, code_book.code_book
