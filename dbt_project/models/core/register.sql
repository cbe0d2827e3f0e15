{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['school_id', 'academic_year'],
        on_schema_change='fail',
        pre_hook="{{ forget_vanished_years(ref('register_input')) }}",
    )
}}

{%- set bitmaps = ['possible', 'attended', 'authorised', 'unauthorised'] %}

with

register_input as (

    select * from {{ ref('register_input') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

register_year as (

    select * from {{ ref('register_year') }}

),

school_day as (

    select * from {{ ref('school_day') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

{{ stale_school_years('register_input') }}

-- The sessions that the school held, as bits.
calendar as (

    select
        stale.school_id,
        stale.academic_year,
        bit_or(set_bit(
            set_bit(
                {{ no_bits() }}::bit({{ year_length() }}), school_day.am_position - 1, school_day.am_is_open::integer
            ),
            school_day.am_position, school_day.pm_is_open::integer
        ))::varbit as held_sessions
    from stale
    inner join school_day
        on
            stale.school_id = school_day.school_id
            and stale.academic_year = school_day.academic_year
    group by stale.school_id, stale.academic_year

),

-- Who could be marked comes first, then the marks: a year without any is a row of missing ones, not a gap.
enrolled as (

    select
        enrolment.school_id,
        enrolment.pupil_id,
        enrolment.pupil_key,
        enrolment.is_only_enrolment,
        calendar.academic_year,
        -- Nobody knows until when a leaver without a leaving date was on roll, so no mark of theirs is missing.
        case
            when enrolment.end_date is not null or not enrolment.is_leaver then calendar.held_sessions
            else {{ no_bits() }}
        end as expected,
        -- A date that is not recorded bounds nothing.
        greatest(coalesce(2 * (enrolment.start_date - {{ first_day('calendar.academic_year') }}), 0), 0) as from_place,
        least(
            coalesce(2 * (enrolment.end_date - {{ first_day('calendar.academic_year') }}) + 2, {{ year_length() }}),
            {{ year_length() }}
        ) as to_place
    from enrolment
    inner join calendar
        on enrolment.school_id = calendar.school_id

),

-- Bits outside the span are 0; null where the span is the whole year, as it mostly is.
spanned as (

    select
        enrolled.*,
        case
            when enrolled.from_place > 0 or enrolled.to_place < {{ year_length() }}
                then {{ bits_between('enrolled.from_place', 'enrolled.to_place') }}
        end as span
    from enrolled
    where enrolled.from_place < enrolled.to_place

),

marked as (

    select
        spanned.school_id,
        spanned.pupil_key,
        spanned.academic_year,
        spanned.is_only_enrolment,
        spanned.expected,
        spanned.span,
        spanned.from_place,
        spanned.to_place,
        case
            when register_year.marks is null then repeat(' ', {{ year_length() }})
            when spanned.span is null then register_year.marks
            else rpad(
                repeat(' ', spanned.from_place)
                || substr(register_year.marks, spanned.from_place + 1, spanned.to_place - spanned.from_place),
                {{ year_length() }}
            )
        end as marks,
        {%- for bits in bitmaps + ['missing', 'not_counted'] %}
        case
            when register_year.marks is null then {{ no_bits() }}
            when spanned.span is null then register_year.{{ bits }}
            else register_year.{{ bits }} & spanned.span
        end as {{ bits }},
        {%- endfor %}
        coalesce(register_year.entered_codes, '{}') as entered_codes,
        coalesce(register_year.minutes_late, '{}') as minutes_late,
        case when spanned.span is null then register_year.tally end as tally
    from spanned
    left join register_year
        on
            spanned.school_id = register_year.school_id
            and spanned.academic_year = register_year.academic_year
            and spanned.pupil_id = register_year.pupil_id

),

-- Missing is also where the school was open, the pupil on roll, and nothing stands.
complete as (

    select
        marked.school_id,
        marked.pupil_key,
        marked.academic_year,
        marked.is_only_enrolment,
        marked.marks,
        marked.tally,
        {%- for bits in bitmaps %}
        marked.{{ bits }},
        {%- endfor %}
        marked.missing | (
            case when marked.span is null then marked.expected else marked.expected & marked.span end
            & ~(marked.possible | marked.missing | marked.not_counted)
        ) as missing,
        case
            when marked.span is null or marked.entered_codes = '{}' then marked.entered_codes
            else {{ within_places('marked.entered_codes') }}
        end as entered_codes,
        case
            when marked.span is null or marked.minutes_late = '{}' then marked.minutes_late
            else {{ within_places('marked.minutes_late') }}
        end as minutes_late
    from marked

),

-- A pupil enrolled twice in a year, session by session: a mark goes before a missing one, and that before Z.
ranked as (

    select distinct on (complete.school_id, complete.pupil_key, complete.academic_year, place.position)
        complete.school_id,
        complete.pupil_key,
        complete.academic_year,
        place.position,
        place.letter,
        get_bit(complete.missing, place.position::integer - 1) as missing,
        complete.entered_codes -> place.position::text as entered_code
    from complete
    cross join lateral string_to_table(complete.marks, null) with ordinality as place (letter, position)
    where not complete.is_only_enrolment
    order by
        complete.school_id asc, complete.pupil_key asc, complete.academic_year asc, place.position asc,
        case
            when get_bit(complete.missing, place.position::integer - 1) = 1 then 2
            when place.letter = ' ' then 4
            when place.letter = 'Z' then 3
            else 1
        end asc,
        coalesce(complete.entered_codes ->> place.position::text, place.letter) asc

),

latest as (

    select
        complete.school_id,
        complete.pupil_key,
        complete.academic_year,
        jsonb_object_agg(late.key, late.value order by late.value) as minutes_late
    from complete
    cross join lateral jsonb_each(complete.minutes_late) as late
    where not complete.is_only_enrolment
    group by complete.school_id, complete.pupil_key, complete.academic_year

),

merged as (

    select
        school_id,
        pupil_key,
        academic_year,
        string_agg(letter, '' order by position) as marks,
        string_agg(missing::text, '' order by position)::varbit as missing,
        coalesce(
            jsonb_object_agg(position, entered_code) filter (where entered_code is not null), '{}'
        ) as entered_codes
    from ranked
    group by school_id, pupil_key, academic_year

),

pupil_year as (

    select
        school_id,
        pupil_key,
        academic_year,
        marks,
        {%- for bits in bitmaps %}
        {{ bits }},
        {%- endfor %}
        missing,
        entered_codes,
        minutes_late,
        tally
    from complete
    where is_only_enrolment
    union all
    select
        merged.school_id,
        merged.pupil_key,
        merged.academic_year,
        merged.marks,
        {{ bitmap('merged.marks', ['present', 'approved', 'authorised', 'unauthorised', 'covid']) }} as possible,
        {{ bitmap('merged.marks', ['present', 'approved']) }} as attended,
        {{ bitmap('merged.marks', ['authorised']) }} as authorised,
        {{ bitmap('merged.marks', ['unauthorised']) }} as unauthorised,
        merged.missing,
        merged.entered_codes,
        coalesce(latest.minutes_late, '{}') as minutes_late,
        null::smallint[] as tally
    from merged
    left join latest
        on
            merged.school_id = latest.school_id
            and merged.pupil_key = latest.pupil_key
            and merged.academic_year = latest.academic_year

)

select
    pupil_year.school_id,
    pupil_year.pupil_key,
    pupil_year.academic_year,
    {{ first_day('pupil_year.academic_year') }} as first_day,
    roll_year.counted_until,
    greatest(0, least(
        2 * (roll_year.counted_until - {{ first_day('pupil_year.academic_year') }}) + 2, {{ year_length() }}
    ))::smallint as counted_places,
    roll_year.age_on_31_august,
    coalesce(
        roll_year.is_compulsory_age
        and not roll_year.is_late_joiner
        and coalesce(characteristics.enrolment_status, 'C') <> 'G', false
    ) as is_statistical,
    roll_year.year_group,
    pupil_year.marks,
    {%- for bits in bitmaps %}
    pupil_year.{{ bits }}::varbit as {{ bits }},
    {%- endfor %}
    pupil_year.missing::varbit as missing,
    pupil_year.entered_codes,
    pupil_year.minutes_late,
    case
        when
            length(rtrim(pupil_year.marks))
            <= 2 * (roll_year.counted_until - {{ first_day('pupil_year.academic_year') }}) + 2
            then pupil_year.tally
    end as tally,
    stale.fingerprint
from pupil_year
inner join stale
    on
        pupil_year.school_id = stale.school_id
        and pupil_year.academic_year = stale.academic_year
inner join roll_year
    on
        pupil_year.school_id = roll_year.school_id
        and pupil_year.pupil_key = roll_year.pupil_key
        and pupil_year.academic_year = roll_year.academic_year
left join characteristics
    on
        pupil_year.school_id = characteristics.school_id
        and pupil_year.pupil_key = characteristics.pupil_key
where pupil_year.marks <> repeat(' ', {{ year_length() }}) or bit_count(pupil_year.missing) > 0
-- In the key's order: a school's year lies together, and its key is filled fast.
order by pupil_year.school_id, pupil_year.academic_year, pupil_year.pupil_key
