with

school_day as (

    select * from {{ ref('school_day') }}

),

school as (

    select * from {{ ref('school') }}

),

register_input as (

    select * from {{ ref('register_input') }}

),

calendar_year as (

    select
        school_id,
        academic_year,
        count(*) as open_days,
        min(session_date) as first_day,
        max(session_date) as last_day,
        max(academic_year) over (partition by school_id) as latest_year
    from school_day
    where am_is_open or pm_is_open
    group by school_id, academic_year

)

-- Four years are enough to learn from, and the work does not grow with the history.
select
    calendar_year.school_id,
    calendar_year.academic_year,
    -- The year before tells who was persistently absent then. A factor, for the two years are not alike.
    (
        this_year.fingerprint + 3 * coalesce(year_before.fingerprint, 0)
        + hashtextextended(coalesce(school.phase, ''), 0)
    )::numeric(38) as fingerprint
from calendar_year
inner join school
    on calendar_year.school_id = school.school_id
inner join register_input as this_year
    on
        calendar_year.school_id = this_year.school_id
        and calendar_year.academic_year = this_year.academic_year
left join register_input as year_before
    on
        calendar_year.school_id = year_before.school_id
        and calendar_year.academic_year = year_before.academic_year + 101
where
    calendar_year.academic_year > calendar_year.latest_year - 400
    and {{ is_whole_year(
        'calendar_year.open_days', 'calendar_year.first_day', 'calendar_year.last_day', 'calendar_year.academic_year'
    ) }}
