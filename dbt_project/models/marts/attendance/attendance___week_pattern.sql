with

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

week as (

    select
        school_id,
        academic_year,
        week_start,
        14 * ((min(am_position) - 1) / 14) + 1 as first_position
    from school_day
    group by school_id, academic_year, week_start

)

select
    register_year.school_id,
    register_year.academic_year,
    week.week_start,
    register_year_week.marks,
    register_year_week.missing::varbit as missing,
    count(*)::integer as pupils
from register_year
inner join week
    on
        register_year.school_id = week.school_id
        and register_year.academic_year = week.academic_year
cross join lateral (
    select
        rpad(substr(left(register_year.marks, register_year.counted_places), week.first_position, 14), 14) as marks,
        case
            when register_year.counted_places >= week.first_position + 13
                then substring(register_year.missing from week.first_position for 14)
            when register_year.counted_places < week.first_position
                then repeat('0', 14)::varbit
            else substring(register_year.missing from week.first_position for 14)
                & rpad(repeat('1', register_year.counted_places - week.first_position + 1), 14, '0')::varbit
        end as missing
    offset 0
) as register_year_week
where
    register_year.is_statistical
    and (register_year_week.marks <> repeat(' ', 14) or bit_count(register_year_week.missing) > 0)
group by
    register_year.school_id, register_year.academic_year, week.week_start, register_year_week.marks,
    register_year_week.missing
