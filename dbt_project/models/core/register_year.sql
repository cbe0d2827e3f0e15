{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['school_id', 'academic_year', 'pupil_id'],
        on_schema_change='fail',
        indexes=[{'columns': ['school_id', 'extract_id']}],
        pre_hook='{{ by_index() }}',
    )
}}

{%- set no_marks = "repeat(' ', " ~ year_length() ~ ")" %}

with

pupil_day as not materialized (

    select * from {{ ref('pupil_day') }}

),

attendance_code as not materialized (

    select * from {{ ref('attendance_code') }}

),

-- Read by an increment alone, but dbt sees a reference only outside the condition.
school as ( -- noqa: ST03

    select * from {{ ref('stg_school') }}

),

code_book as (

    select
        school_id,
        {{ code_book_hash() }} as code_book
    from attendance_code
    group by school_id

),

{% if is_incremental() %}

held as not materialized (

    select * from {{ this }}

),

-- Everything of a school is written again when a code came to mean something else there.
held_to as (

    select
        school.school_id,
        code_book.code_book,
        case
            when last_held.code_book = code_book.code_book then newest_held.extract_id
            else 0
        end as extract_id
    from school
    inner join code_book
        on school.school_id = code_book.school_id
    left join lateral (
        select held.code_book
        from held
        where held.school_id = school.school_id
        limit 1
    ) as last_held on true
    left join lateral (
        select max(held.extract_id) as extract_id
        from held
        where held.school_id = school.school_id
    ) as newest_held on true

),

changed_day as (

    select
        held_to.school_id,
        newer.pupil_id,
        newer.session_date,
        {{ academic_year('newer.session_date') }} as academic_year
    from held_to
    cross join lateral (
        select
            pupil_day.pupil_id,
            pupil_day.session_date
        from pupil_day
        where pupil_day.school_id = held_to.school_id and pupil_day.extract_id > held_to.extract_id
        offset 0
    ) as newer

),

span as (

    select
        school_id,
        pupil_id,
        academic_year,
        min(session_date) as first_date,
        max(session_date) as last_date
    from changed_day
    group by school_id, pupil_id, academic_year

),

day as (

    select
        span.school_id,
        span.pupil_id,
        span.academic_year,
        of_span.session_date,
        of_span.extract_id,
        of_span.am_minutes_late,
        of_span.pm_minutes_late,
        of_span.am_code,
        of_span.pm_code
    from span
    cross join lateral (
        select pupil_day.*
        from pupil_day
        where
            pupil_day.school_id = span.school_id
            and pupil_day.pupil_id = span.pupil_id
            and pupil_day.session_date between span.first_date and span.last_date
        offset 0
    ) as of_span

),

{% else %}

day as (

    select
        school_id,
        pupil_id,
        {{ academic_year('session_date') }} as academic_year,
        session_date,
        extract_id,
        am_minutes_late,
        pm_minutes_late,
        am_code,
        pm_code
    from pupil_day

),

{% endif %}

-- Most codes are their own letter on every date. They need no look-up: it took as long as all the rest.
own_letter as (

    select
        school_id,
        string_agg(code, '' order by code) as letters
    from (
        select
            school_id,
            code
        from attendance_code
        group by school_id, code
        having
            length(code) = 1
            and every(letter = code)
            and min(valid_from) = date '1900-01-01'
            and max(valid_to) = date '9999-12-31'
            and sum(valid_to - valid_from + 1) = date '9999-12-31' - date '1900-01-01' + 1
    ) as unchanging
    group by school_id

),

sorted as (

    select
        day.*,
        case
            when day.am_code is null then ' '
            when length(day.am_code) = 1 and strpos(own_letter.letters, day.am_code) > 0 then day.am_code
        end as am_own_letter,
        case
            when day.pm_code is null then ' '
            when length(day.pm_code) = 1 and strpos(own_letter.letters, day.pm_code) > 0 then day.pm_code
        end as pm_own_letter
    from day
    left join own_letter
        on day.school_id = own_letter.school_id

),

lettered as (

    select
        sorted.school_id,
        sorted.pupil_id,
        sorted.academic_year,
        sorted.session_date,
        sorted.extract_id,
        sorted.am_minutes_late,
        sorted.pm_minutes_late,
        coalesce(sorted.am_own_letter, am.letter, '!') as am_letter,
        coalesce(sorted.pm_own_letter, pm.letter, '!') as pm_letter,
        case
            when sorted.am_own_letter is not null or am.standard_code = sorted.am_code then null
            else sorted.am_code
        end as am_entered_code,
        case
            when sorted.pm_own_letter is not null or pm.standard_code = sorted.pm_code then null
            else sorted.pm_code
        end as pm_entered_code
    from sorted
    left join attendance_code as am
        on
            sorted.school_id = am.school_id
            and case when sorted.am_own_letter is null then sorted.am_code end = am.code
            and sorted.session_date between am.valid_from and am.valid_to
    left join attendance_code as pm
        on
            sorted.school_id = pm.school_id
            and case when sorted.pm_own_letter is null then sorted.pm_code end = pm.code
            and sorted.session_date between pm.valid_from and pm.valid_to

),

spaced as (

    select
        lettered.*,
        2 * (
            lead(lettered.session_date) over (
                partition by lettered.school_id, lettered.academic_year, lettered.pupil_id
                order by lettered.session_date
            ) - lettered.session_date
        ) as places_to_next
    from lettered

),

-- The changed days of a pupil's year, and all between them, as one piece.
piece as (

    select
        school_id,
        academic_year,
        pupil_id,
        max(extract_id) as extract_id,
        {{ am_position('min(session_date)', 'academic_year') }} as first_position,
        {{ am_position('max(session_date)', 'academic_year') }} + 1 as last_position,
        string_agg(rpad(am_letter || pm_letter, coalesce(places_to_next, 2)), '' order by session_date) as marks,
        coalesce(
            jsonb_object_agg(
                {{ am_position('session_date', 'academic_year') }}, am_entered_code
            ) filter (where am_entered_code is not null), '{}'
        )
        || coalesce(
            jsonb_object_agg(
                {{ am_position('session_date', 'academic_year') }} + 1, pm_entered_code
            ) filter (where pm_entered_code is not null), '{}'
        ) as entered_codes,
        coalesce(
            jsonb_object_agg(
                {{ am_position('session_date', 'academic_year') }}, am_minutes_late
            ) filter (where am_minutes_late is not null), '{}'
        )
        || coalesce(
            jsonb_object_agg(
                {{ am_position('session_date', 'academic_year') }} + 1, pm_minutes_late
            ) filter (where pm_minutes_late is not null), '{}'
        ) as minutes_late
    from spaced
    group by school_id, academic_year, pupil_id

),

{% if is_incremental() %}

written as (

    select
        piece.school_id,
        piece.academic_year,
        piece.pupil_id,
        greatest(present.extract_id, piece.extract_id) as extract_id,
        left(coalesce(present.marks, {{ no_marks }}), piece.first_position - 1)
        || piece.marks
        || substr(coalesce(present.marks, {{ no_marks }}), piece.last_position + 1) as marks,
        {{ kept_outside('present.entered_codes') }} || piece.entered_codes as entered_codes,
        {{ kept_outside('present.minutes_late') }} || piece.minutes_late as minutes_late
    from piece
    left join lateral (
        select held.*
        from held
        where
            held.school_id = piece.school_id
            and held.academic_year = piece.academic_year
            and held.pupil_id = piece.pupil_id
        offset 0
    ) as present on true

)

{% else %}

written as (

    select
        school_id,
        academic_year,
        pupil_id,
        extract_id,
        rpad(repeat(' ', first_position - 1) || marks, {{ year_length() }}) as marks,
        entered_codes,
        minutes_late
    from piece

)

{% endif %}

select
    written.school_id,
    written.academic_year,
    written.extract_id,
    code_book.code_book,
    written.pupil_id,
    written.marks,
    {{ bitmap('written.marks', ['present', 'approved', 'authorised', 'unauthorised', 'covid']) }} as possible,
    {{ bitmap('written.marks', ['present', 'approved']) }} as attended,
    {{ bitmap('written.marks', ['authorised']) }} as authorised,
    {{ bitmap('written.marks', ['unauthorised']) }} as unauthorised,
    {{ bitmap('written.marks', ['missing']) }} as missing,
    {{ bitmap('written.marks', ['unclassified', 'not_possible']) }} as not_counted,
    written.entered_codes,
    written.minutes_late,
    {{ letter_tally('counted_marks') }} as tally
from written
inner join code_book
    on written.school_id = code_book.school_id
cross join lateral {{ counted_marks('written.marks', "'0'::varbit") }} as counted_marks
-- In the key's order: a school's year lies together, and its key is filled fast.
order by written.school_id, written.academic_year, written.pupil_id
