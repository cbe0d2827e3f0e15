with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

letter as not materialized (

    select
        letter,
        coalesce(code, letter) as code
    from ({{ letter_rows() }}) as letter_book
    union all
    select
        ' ' as letter,
        null as code

),

-- What every two letters count as, so that a day is looked up and not worked out. They are distinct without being told;
-- but so Postgres keeps them as rows, where else it would work out every count for every day, and hashes them, where
-- else it would sort the days.
meaning as (

    select distinct on (letters)
        am.letter || pm.letter as letters,
        am.code as am_code,
        pm.code as pm_code,
        {{ day_counts() }}
    from letter as am
    cross join letter as pm

),

day as (

    select
        register_year.school_id,
        school_day.session_date,
        register_year.pupil_key,
        register_year.academic_year,
        (register_year.minutes_late ->> school_day.am_position::text)::smallint as am_minutes_late,
        (register_year.minutes_late ->> (school_day.am_position + 1)::text)::smallint as pm_minutes_late,
        {%- for count in count_names() if count != 'missing' %}
        meaning.{{ count }}_sessions,
        {%- endfor %}
        (
            get_bit(register_year.missing, school_day.am_position - 1)
            + get_bit(register_year.missing, school_day.am_position)
        )::smallint as missing_sessions,
        meaning.letters,
        {{ code_as_entered('meaning.am_code', 'school_day.am_position', 'register_year') }} as am_code,
        {{ code_as_entered('meaning.pm_code', 'school_day.am_position + 1', 'register_year') }} as pm_code
    from register_year
    inner join school_day
        on
            register_year.school_id = school_day.school_id
            and register_year.academic_year = school_day.academic_year
    inner join meaning
        on {{ letters_from('register_year.marks', 'school_day.am_position', 2) }} = meaning.letters

)

select
    school_id,
    session_date,
    pupil_key,
    academic_year,
    am_minutes_late,
    pm_minutes_late,
    {{ count_columns(reasons=false) }},
    am_code,
    pm_code
from day
where letters <> '  ' or missing_sessions > 0
