with

week_pattern as (

    select * from {{ ref('attendance___week_pattern') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

school_week as (

    select * from {{ ref('attendance__school_week') }}

),

session as (

    select
        school_day.school_id,
        school_day.session_date,
        half_day.session,
        school_day.academic_year,
        school_day.week_start,
        extract(isodow from school_day.session_date)::smallint as weekday,
        school_day.term,
        school_day.half_term,
        case half_day.session when 'AM' then school_day.am_is_open else school_day.pm_is_open end as is_open,
        (school_day.am_position - 1) % 14 + half_day.place as place
    from school_day
    cross join (values ('AM', 1), ('PM', 2)) as half_day (session, place)

),

letter as (

    select
        session.school_id,
        session.session_date,
        session.session,
        substr(week_pattern.marks, session.place, 1) as letter,
        get_bit(week_pattern.missing, session.place - 1) as missing,
        sum(week_pattern.pupils) as pupils
    from session
    inner join week_pattern
        on
            session.school_id = week_pattern.school_id
            and session.academic_year = week_pattern.academic_year
            and session.week_start = week_pattern.week_start
    group by
        session.school_id, session.session_date, session.session, substr(week_pattern.marks, session.place, 1),
        get_bit(week_pattern.missing, session.place - 1)

),

marked as (

    select
        letter.school_id,
        letter.session_date,
        letter.session,
        letter.pupils,
        {{ letter_counts('counted_marks') }}
    from letter
    cross join lateral {{ counted_marks('letter.letter', 'letter.missing::bit(1)') }} as counted_marks
    where letter.letter <> ' ' or letter.missing = 1

),

counted as (

    select
        school_id,
        session_date,
        session,
        sum(pupils) as pupils_expected,
        {{ summed_counts(weight='pupils') }}
    from marked
    group by school_id, session_date, session

)

select
    session.school_id,
    session.session_date,
    session.session,
    session.academic_year,
    session.week_start,
    session.weekday,
    school_week.week_number,
    session.term,
    session.half_term,
    session.is_open,
    counted.pupils_expected::integer as pupils_expected,
    {{ count_columns('counted') }},
    {{ session_rates('counted') }},
    {{ percentage('(counted.pupils_expected - counted.missing_sessions)', 'counted.pupils_expected') }}
        as marked_percent
from session
inner join counted
    on
        session.school_id = counted.school_id
        and session.session_date = counted.session_date
        and session.session = counted.session
left join school_week
    on
        session.school_id = school_week.school_id
        and session.week_start = school_week.week_start
