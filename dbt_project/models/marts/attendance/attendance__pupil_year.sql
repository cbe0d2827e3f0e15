with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

roll_year as (

    select * from {{ ref('roll_year') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

counted as (

    select
        pupil_day.school_id,
        pupil_day.pupil_key,
        pupil_day.academic_year,
        {{ summed_counts('pupil_day') }},
        {{ reason_counts('pupil_day') }},
        (
            coalesce(sum(pupil_day.am_minutes_late), 0) + coalesce(sum(pupil_day.pm_minutes_late), 0)
        )::integer as minutes_late
    from pupil_day
    inner join roll_year
        on
            pupil_day.school_id = roll_year.school_id
            and pupil_day.pupil_key = roll_year.pupil_key
            and pupil_day.academic_year = roll_year.academic_year
    where pupil_day.session_date <= roll_year.counted_until
    group by pupil_day.school_id, pupil_day.pupil_key, pupil_day.academic_year

)

select
    counted.school_id,
    counted.pupil_key,
    counted.academic_year,
    roll_year.year_group,
    roll_year.age_on_31_august,
    roll_year.is_compulsory_age
    and not roll_year.is_late_joiner
    and coalesce(characteristics.enrolment_status, 'C') <> 'G' as is_statistical,
    roll_year.counted_until,
    {{ count_columns('counted') }},
    counted.minutes_late,
    {{ session_rates('counted') }},
    -- In whole sessions: a rate in floating point moves pupils over the line.
    case
        when counted.possible_sessions > 0 then 10 * counted.absence_sessions >= counted.possible_sessions
    end as is_persistently_absent,
    case
        when counted.possible_sessions > 0 then 2 * counted.absence_sessions >= counted.possible_sessions
    end as is_severely_absent
from counted
inner join roll_year
    on
        counted.school_id = roll_year.school_id
        and counted.pupil_key = roll_year.pupil_key
        and counted.academic_year = roll_year.academic_year
left join characteristics
    on
        counted.school_id = characteristics.school_id
        and counted.pupil_key = characteristics.pupil_key
