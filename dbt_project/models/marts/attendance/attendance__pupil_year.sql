with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

counted as (

    select
        register_year.school_id,
        register_year.pupil_key,
        register_year.academic_year,
        register_year.year_group,
        register_year.age_on_31_august,
        register_year.is_statistical,
        register_year.counted_until,
        {{ tally_counts('whole_year.tally', 'counted_marks.missing') }},
        case
            when register_year.minutes_late = '{}' then 0
            else (
                select coalesce(sum(late.value::integer), 0)
                from jsonb_each(register_year.minutes_late) as late
                where late.key::integer <= register_year.counted_places
            )
        end::integer as minutes_late
    from register_year
    {{ counted_years('register_year') }}

)

select
    counted.school_id,
    counted.pupil_key,
    counted.academic_year,
    counted.year_group,
    counted.age_on_31_august,
    counted.is_statistical,
    counted.counted_until,
    {{ count_columns('counted') }},
    counted.minutes_late,
    {{ session_rates('counted') }},
    {{ absence_flags('counted') }},
    coalesce(
        roll_year.legal_compulsory_from <= least(roll_year.on_roll_to, counted.counted_until)
        and roll_year.legal_compulsory_to >= roll_year.on_roll_from, false
    ) as is_legal_compulsory_age,
    coalesce(pupil.is_part_time, false) as is_part_time
from counted
inner join roll_year
    on
        counted.school_id = roll_year.school_id
        and counted.pupil_key = roll_year.pupil_key
        and counted.academic_year = roll_year.academic_year
inner join pupil
    on
        counted.school_id = pupil.school_id
        and counted.pupil_key = pupil.pupil_key
where
    counted.possible_sessions + counted.not_possible_sessions + counted.missing_sessions
    + counted.unclassified_sessions > 0
