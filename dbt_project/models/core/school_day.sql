with

pupil_day as (

    select * from {{ ref('pupil_day') }}

),

attendance_code as (

    select * from {{ ref('attendance_code') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

-- First down to the few pairs of codes of a day, then classify: 500 times fewer rows to join.
tally as (

    select
        school_id,
        session_date,
        am_code,
        pm_code,
        count(*) as pupils
    from pupil_day
    where am_code is not null or pm_code is not null
    group by school_id, session_date, am_code, pm_code

),

day as (

    select
        tally.school_id,
        tally.session_date,
        sum(tally.pupils) as marked_pupils,
        coalesce(sum(tally.pupils) filter (where tally.am_code is not null), 0) as am_marks,
        coalesce(sum(tally.pupils) filter (where tally.pm_code is not null), 0) as pm_marks,
        coalesce(sum(tally.pupils) filter (
            where am.meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid')
        ), 0) as am_possible,
        coalesce(sum(tally.pupils) filter (
            where pm.meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid')
        ), 0) as pm_possible
    from tally
    left join attendance_code as am
        on
            tally.school_id = am.school_id
            and tally.am_code = am.code
            and tally.session_date between am.valid_from and am.valid_to
    left join attendance_code as pm
        on
            tally.school_id = pm.school_id
            and tally.pm_code = pm.code
            and tally.session_date between pm.valid_from and pm.valid_to
    group by tally.school_id, tally.session_date

),

dated as (

    select
        day.*,
        {{ academic_year('day.session_date') }} as academic_year
    from day

),

compared as (

    select
        dated.*,
        max(greatest(dated.am_possible, dated.pm_possible))
            over (partition by dated.school_id, dated.academic_year)
            as busiest
    from dated

)

select
    compared.school_id,
    compared.session_date,
    compared.academic_year,
    date_trunc('week', compared.session_date)::date as week_start,
    half_term.term,
    half_term.half_term,
    compared.am_possible > 0
    and 2 * compared.am_possible >= compared.am_marks
    and 10 * compared.am_possible >= compared.busiest as am_is_open,
    compared.pm_possible > 0
    and 2 * compared.pm_possible >= compared.pm_marks
    and 10 * compared.pm_possible >= compared.busiest as pm_is_open,
    compared.marked_pupils::integer as marked_pupils
from compared
left join half_term
    on compared.session_date between half_term.starts_on and half_term.ends_on
