with

day_tally as (

    select * from {{ ref('day_tally') }}

),

half_term as (

    select * from {{ ref('half_term') }}

),

dated as (

    select
        school_id,
        session_date,
        marked_pupils,
        am_marks,
        pm_marks,
        am_possible,
        pm_possible,
        {{ academic_year('session_date') }} as academic_year
    from day_tally
    where marked_pupils > 0

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
    compared.marked_pupils,
    {{ am_position('compared.session_date', 'compared.academic_year') }}::smallint as am_position
from compared
left join half_term
    on compared.session_date between half_term.starts_on and half_term.ends_on
