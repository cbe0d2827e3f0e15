with

register as (

    select * from {{ ref('register') }}

),

exclusion as (

    select * from {{ ref('exclusion') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

on_roll as (

    select
        school_id,
        pupil_key
    from pupil
    where is_on_roll

),

counted as (

    select
        register.school_id,
        register.pupil_key,
        register.academic_year,
        {{ tally_counts('whole_year.tally', 'counted_marks.missing') }}
    from register
    inner join on_roll
        on
            register.school_id = on_roll.school_id
            and register.pupil_key = on_roll.pupil_key
    {{ counted_years('register') }}

),

rated as (

    select
        counted.*,
        {{ session_rates('counted') }}
    from counted
    where counted.possible_sessions > 0

),

excluded as (

    select
        exclusion.school_id,
        exclusion.pupil_key,
        exclusion.academic_year,
        coalesce(exclusion.exclusion_type, 'of a kind not known') as exclusion_type,
        count(*) as exclusions,
        sum(exclusion.sessions) as sessions,
        max(exclusion.start_date) as last_start_date
    from exclusion
    inner join on_roll
        on
            exclusion.school_id = on_roll.school_id
            and exclusion.pupil_key = on_roll.pupil_key
    group by
        exclusion.school_id,
        exclusion.pupil_key,
        exclusion.academic_year,
        coalesce(exclusion.exclusion_type, 'of a kind not known')

),

line as (

    select
        rated.school_id,
        rated.pupil_key,
        'attendance' as section,
        fact.place::text as sorted_by,
        rated.academic_year,
        fact.item,
        fact.value,
        fact.number,
        fact.unit,
        null::date as as_of,
        fact.note
    from rated
    cross join
        lateral (
            values
            (1, 'Possible sessions', rated.possible_sessions::text, rated.possible_sessions, 'sessions', null),
            (
                2,
                'Attendance',
                {{ printed_rate('rated.attendance_rate') }},
                rated.attendance_rate,
                'per cent',
                {{ printed_sessions('rated.attended_sessions') }}
            ),
            (
                3,
                'Absence',
                {{ printed_rate('rated.absence_rate') }},
                rated.absence_rate,
                'per cent',
                {{ printed_sessions('rated.absence_sessions') }}
            ),
            (
                4,
                'Unauthorised absence',
                {{ printed_rate('rated.unauthorised_rate') }},
                rated.unauthorised_rate,
                'per cent',
                {{ printed_sessions('rated.unauthorised_sessions') }}
            ),
            (
                5,
                'Late',
                rated.late_sessions::text,
                rated.late_sessions,
                'sessions',
                'Before and after the register closed'
            )
        ) as fact (place, item, value, number, unit, note)
    union all
    select
        school_id,
        pupil_key,
        'exclusion' as section,
        exclusion_type as sorted_by,
        academic_year,
        case exclusion_type
            when 'suspension' then 'Suspensions'
            when 'permanent' then 'Permanent exclusions'
            when 'lunchtime' then 'Lunchtime exclusions'
            else 'Exclusions ' || exclusion_type
        end as item,
        exclusions::text as value,
        exclusions as number,
        'exclusions' as unit,
        last_start_date as as_of,
        coalesce({{ printed_sessions('sessions') }}, 'Sessions not recorded')
        || '; the last began on '
        || {{ printed_date('last_start_date') }} as note
    from excluded

)

select
    school_id,
    pupil_key,
    section,
    {{ explorer_position('academic_year desc, sorted_by') }},
    academic_year,
    null::text as qualification,
    null::text as subject,
    item,
    value,
    number::double precision as number,
    unit,
    as_of,
    note
from line
