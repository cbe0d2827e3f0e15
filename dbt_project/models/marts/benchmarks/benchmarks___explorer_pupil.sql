with

pupil as (

    select * from {{ ref('pupil') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

school as (

    select * from {{ ref('school') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

pupil_elsewhere as (

    select * from {{ ref('pupil_elsewhere') }}

),

on_roll as (

    select
        pupil.school_id,
        pupil.pupil_key,
        pupil.sex,
        pupil.nc_year,
        pupil.is_part_time,
        max(enrolment.start_date) as on_roll_since
    from pupil
    left join enrolment
        on
            pupil.school_id = enrolment.school_id
            and pupil.pupil_key = enrolment.pupil_key
            and not enrolment.is_leaver
            and enrolment.end_date is null
    where pupil.is_on_roll
    group by pupil.school_id, pupil.pupil_key, pupil.sex, pupil.nc_year, pupil.is_part_time

),

-- At this school, and at others for whom it is the same person.
enrolled as (

    select
        on_roll.school_id,
        on_roll.pupil_key,
        enrolment.school_id as at_school_id,
        enrolment.start_date,
        enrolment.end_date,
        enrolment.is_leaver
    from on_roll
    inner join enrolment
        on
            on_roll.school_id = enrolment.school_id
            and on_roll.pupil_key = enrolment.pupil_key
    union all
    select
        pupil_elsewhere.school_id,
        pupil_elsewhere.pupil_key,
        enrolment.school_id as at_school_id,
        enrolment.start_date,
        enrolment.end_date,
        enrolment.is_leaver
    from pupil_elsewhere
    inner join enrolment
        on
            pupil_elsewhere.other_school_id = enrolment.school_id
            and pupil_elsewhere.other_pupil_key = enrolment.pupil_key

),

line as (

    select
        on_roll.school_id,
        on_roll.pupil_key,
        'pupil' as section,
        fact.place::text as sorted_by,
        null::integer as academic_year,
        fact.item,
        fact.value,
        fact.as_of,
        null as note
    from on_roll
    left join characteristics
        on
            on_roll.school_id = characteristics.school_id
            and on_roll.pupil_key = characteristics.pupil_key
    cross join
        lateral (
            values
            (1, 'Year group', coalesce(on_roll.nc_year, 'not known'), null::date),
            (2, 'Sex', coalesce(on_roll.sex, 'not known'), null),
            (
                3, 'On roll since', coalesce({{ printed_date('on_roll.on_roll_since') }}, 'not known'),
                on_roll.on_roll_since
            ),
            (4, 'Free school meals now', {{ yes_or_no('characteristics.is_fsm') }}, null),
            (5, 'Free school meals in the last six years', {{ yes_or_no('characteristics.is_fsm6') }}, null),
            (6, 'Disadvantaged', {{ yes_or_no('characteristics.is_disadvantaged') }}, null),
            (7, 'Part-time', {{ yes_or_no('on_roll.is_part_time') }}, null)
        ) as fact (place, item, value, as_of)
    union all
    select
        enrolled.school_id,
        enrolled.pupil_key,
        'school' as section,
        -- The latest first: later dates have smaller numbers.
        lpad((date '9999-12-31' - coalesce(enrolled.start_date, date '1900-01-01'))::text, 8, '0')
        || lpad(enrolled.at_school_id::text, 10, '0') as sorted_by,
        {{ academic_year('enrolled.start_date') }} as academic_year,
        case when enrolled.at_school_id = enrolled.school_id then 'Enrolment' else 'Enrolment at another school' end
            as item,
        school.school_name as value,
        enrolled.start_date as as_of,
        'From ' || coalesce({{ printed_date('enrolled.start_date') }}, 'a day not known')
        || case
            when enrolled.end_date is not null then ' to ' || {{ printed_date('enrolled.end_date') }}
            when enrolled.is_leaver then ', has left'
            else ', on roll'
        end as note
    from enrolled
    inner join school
        on enrolled.at_school_id = school.school_id

)

select
    school_id,
    pupil_key,
    section,
    {{ explorer_position('sorted_by, note') }},
    academic_year,
    null::text as qualification,
    null::text as subject,
    item,
    value,
    null::double precision as number,
    null::text as unit,
    as_of,
    note
from line
