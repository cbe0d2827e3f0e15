{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['school_id', 'academic_year', 'pupil_id'],
        on_schema_change='fail',
        indexes=[{'columns': ['school_id', 'extract_id']}],
        pre_hook=["{{ forget_withdrawn(ref('stg_school')) }}", '{{ by_index() }}', '{{ room_for_json() }}'],
    )
}}

{%- set bitmaps = {
    'possible': ['present', 'approved', 'authorised', 'unauthorised', 'covid'],
    'attended': ['present', 'approved'],
    'authorised': ['authorised'],
    'unauthorised': ['unauthorised'],
    'missing': ['missing'],
    'not_counted': ['unclassified', 'not_possible']
} %}

with

mark as not materialized (

    select * from {{ ref('stg_attendance_mark') }}

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

-- A school's extracts come one after the other and are loaded whole (a retry from quarantine is an extract too), so
-- what is newer than the newest that is held is all that has changed. Everything of a school is written again when a
-- code came to mean something else there.
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

span as (

    select
        held_to.school_id,
        newer.pupil_id,
        {{ academic_year('newer.session_date') }} as academic_year,
        min(newer.session_date) as first_date,
        max(newer.session_date) as last_date
    from held_to
    cross join
        lateral (
            select
                mark.pupil_id,
                mark.session_date
            from mark
            where mark.school_id = held_to.school_id and mark.extract_id > held_to.extract_id
            offset 0
        ) as newer
    group by held_to.school_id, newer.pupil_id, {{ academic_year('newer.session_date') }}

),

stale as (

    select of_span.*
    from span
    cross join lateral (
        select mark.*
        from mark
        where
            mark.school_id = span.school_id
            and mark.pupil_id = span.pupil_id
            and mark.session_date between span.first_date and span.last_date
        offset 0
    ) as of_span

),

{% else %}

stale as (

    select * from mark

),

{% endif %}

-- A mark that was taken back is a blank, for what stood there has to go.
lettered as (

    select
        stale.school_id,
        stale.pupil_id,
        {{ academic_year('stale.session_date') }} as academic_year,
        stale.session_date,
        stale.extract_id,
        case stale.session when 'AM' then 0 else 1 end as half_day,
        case when stale.code is null then ' ' else coalesce(attendance_code.letter, '!') end as letter,
        case
            when attendance_code.letter = stale.code or attendance_code.standard_code = stale.code then null
            else stale.code
        end as entered_code,
        stale.minutes_late
    from stale
    left join attendance_code
        on
            stale.school_id = attendance_code.school_id
            and stale.code = attendance_code.code
            and stale.session_date between attendance_code.valid_from and attendance_code.valid_to

),

placed as (

    select
        lettered.*,
        {{ am_position('lettered.session_date', 'lettered.academic_year') }} + lettered.half_day as place
    from lettered

),

-- The marks of a pupil's year that are read, each in its place.
laid as (

    select
        school_id,
        academic_year,
        pupil_id,
        max(extract_id) as extract_id,
        {%- if is_incremental() %}
        {{ am_position('min(session_date)', 'academic_year') }} as first_position,
        {{ am_position('max(session_date)', 'academic_year') }} + 1 as last_position,
        {%- endif %}
        convert_from(core.laid_in_place(place - 1, ascii(letter)), 'UTF8') as marks,
        coalesce(
            jsonb_object_agg(place, entered_code) filter (where entered_code is not null), '{}'
        ) as entered_codes,
        coalesce(
            jsonb_object_agg(place, minutes_late) filter (where minutes_late is not null), '{}'
        ) as minutes_late
    from placed
    group by school_id, academic_year, pupil_id

),

{% if is_incremental() %}

-- The changed days of a pupil's year, and all between them.
piece as (

    select
        school_id,
        academic_year,
        pupil_id,
        extract_id,
        first_position,
        last_position,
        substr(marks, first_position, last_position - first_position + 1) as marks,
        entered_codes,
        minutes_late
    from laid

),

-- What is held stays but for the piece: making the bits of whole years anew was half of a night's work.
written as (

    select
        piece.school_id,
        piece.academic_year,
        piece.pupil_id,
        greatest(present.extract_id, piece.extract_id) as extract_id,
        overlay(
            coalesce(present.marks, repeat(' ', {{ year_length() }})), piece.marks, piece.first_position
        ) as marks,
        {%- for bits, meanings in bitmaps.items() %}
        {{ with_bits('present.' ~ bits, bitmap('piece.marks', meanings), 'piece.first_position') }} as {{ bits }},
        {%- endfor %}
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
        marks,
        {%- for bits, meanings in bitmaps.items() %}
        {{ bitmap('marks', meanings) }} as {{ bits }},
        {%- endfor %}
        entered_codes,
        minutes_late
    from laid

)

{% endif %}

select
    written.school_id,
    written.academic_year,
    written.extract_id,
    code_book.code_book,
    written.pupil_id,
    written.marks,
    written.possible,
    written.attended,
    written.authorised,
    written.unauthorised,
    written.missing,
    written.not_counted,
    written.entered_codes,
    written.minutes_late,
    {{ letter_tally('counted_marks') }} as tally
from written
inner join code_book
    on written.school_id = code_book.school_id
cross join lateral {{ counted_marks('written.marks', "'0'::varbit") }} as counted_marks
-- In the key's order: a school's year lies together, and its key is filled fast.
order by written.school_id, written.academic_year, written.pupil_id
