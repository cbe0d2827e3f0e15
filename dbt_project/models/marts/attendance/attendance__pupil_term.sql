with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

term as (

    select
        academic_year,
        term,
        {{ am_position('min(starts_on)', 'academic_year') }} as first_position,
        {{ am_position('max(ends_on)', 'academic_year') }} + 1 as last_position
    from half_term
    group by academic_year, term

),

counted as (

    select
        register_year.school_id,
        register_year.pupil_key,
        register_year.academic_year,
        term.term,
        register_year.is_statistical,
        {{ letter_counts('counted_marks') }}
    from register_year
    inner join term
        on
            register_year.academic_year = term.academic_year
            and register_year.counted_places >= term.first_position
    cross join lateral {{ counted_marks(
        letters_from(
            'register_year.marks', 'term.first_position',
            'least(term.last_position, register_year.counted_places) - term.first_position + 1'
        ),
        'substring(register_year.missing from term.first_position for least(term.last_position,'
        ' register_year.counted_places) - term.first_position + 1)'
    ) }} as counted_marks
    where counted_marks.plain + length(counted_marks.rest) + counted_marks.missing > 0

)

select
    counted.school_id,
    counted.pupil_key,
    counted.academic_year,
    counted.term,
    counted.is_statistical,
    {{ count_columns('counted') }},
    {{ session_rates('counted') }},
    {{ absence_flags('counted') }}
from counted
