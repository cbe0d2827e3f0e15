{%- set parts = parts_of_sessions() %}
{%- set counts = ['possible', 'attended', 'absence', 'authorised', 'unauthorised'] %}
with

school_session as (

    select * from {{ ref('attendance__school_session') }}

),

school_year as (

    select * from {{ ref('attendance__school_year') }}

),

week as (

    select
        school_id,
        academic_year,
        week_start,
        array_agg(weekday || session) as places
    from school_session
    where possible_sessions > 0
    group by school_id, academic_year, week_start

),

fullest_week as (

    select distinct on (school_id, academic_year)
        school_id,
        academic_year,
        places
    from week
    order by school_id asc, academic_year asc, cardinality(places) desc, week_start asc

),

-- The school's weeks are shown one by one (group_period). Where weeks have no weekday and session in common, theirs
-- could be told apart: two days at the end of one week and three at the beginning of the next are five single days.
year as (

    select
        week.school_id,
        week.academic_year,
        bool_and(week.places && fullest_week.places) as has_weeks_in_common
    from week
    inner join fullest_week
        on
            week.school_id = fullest_week.school_id
            and week.academic_year = fullest_week.academic_year
    group by week.school_id, week.academic_year

),

counted as (

    select
        {%- for count in counts %}
        sum(school_session.{{ count }}_sessions)::integer as {{ count }}_sessions,
        {%- endfor %}
        school_session.school_id,
        school_session.academic_year,
        school_session.weekday,
        school_session.session,
        school_year.enrolments,
        (count(*) filter (where school_session.possible_sessions > 0))::integer as openings
    from school_session
    inner join school_year
        on
            school_session.school_id = school_year.school_id
            and school_session.academic_year = school_year.academic_year
    group by
        school_session.school_id, school_session.academic_year, school_session.weekday, school_session.session,
        school_year.enrolments

),

measured as (

    select
        counted.*,
        row_number() over (
            partition by counted.school_id, counted.academic_year
            order by counted.possible_sessions = 0, counted.possible_sessions, counted.weekday, counted.session
        ) as place,
        {{ is_small('counted.openings', 'suppression_minimum_part') }} or not year.has_weeks_in_common as is_of_few,
        {{ small_parts('counted', parts) }}
    from counted
    inner join year
        on
            counted.school_id = year.school_id
            and counted.academic_year = year.academic_year

),

-- One or two mornings are single sessions under another name, whatever they count.
small as (

    select
        {%- for part in parts %}
        is_small_{{ part }} or is_of_few as is_small_{{ part }},
        {%- endfor %}
        {%- for count in counts %}
        {{ count }}_sessions,
        {%- endfor %}
        school_id,
        academic_year,
        weekday,
        session,
        openings,
        place
    from measured

),

-- The week's sessions add up to the year's, which group_year shows.
flagged as (

    select
        {%- for part in parts %}
        {{ hidden_in_set('is_small_' ~ part, 'school_id, academic_year', 'place') }} as is_own_{{ part }},
        {%- endfor %}
        small.*
    from small

),

hidden as (

    select
        flagged.*,
        {{ nested_parts('is_own_', parts) }}
    from flagged

)

select
    hidden.school_id,
    hidden.academic_year,
    hidden.weekday,
    hidden.session,
    hidden.openings,
    {%- for count in counts %}
    {{ published_value('hidden', 'hidden.' ~ count ~ '_sessions', count ~ '_sessions') }},
    {%- endfor %}
    {%- for rate, part in [
        ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'),
        ('unauthorised', 'unauthorised')
    ] %}
    {{ published_value(
        'hidden', percentage('hidden.' ~ part ~ '_sessions', 'hidden.possible_sessions'), rate ~ '_rate'
    ) }},
    {%- endfor %}
    {{ suppression_columns('hidden', parts) }}
from hidden
