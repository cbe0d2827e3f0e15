with

school_day as (

    select * from {{ ref('school_day') }}

),

span as (

    -- Whole academic years, so that a year of which only the first weeks are in is not a short one.
    select
        make_date(min(academic_year) / 100, 8, 1) as first_day,
        make_date(max(academic_year) / 100 + 1, 7, 31) as last_day
    from school_day

),

calendar as (

    select generate_series(first_day, last_day, interval '1 day')::date as calendar_date
    from span

)

select
    calendar_date,
    {{ academic_year('calendar_date') }} as academic_year
from calendar
