{{ config(schema='core', alias='group_period', contract={'enforced': false}) }}

with

pupil_day as (

    select * from {{ ref('attendance__pupil_day') }}

),

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

school_day as (

    select * from {{ ref('attendance__school_day') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

pupil_period as (

    select
        pupil_day.school_id,
        pupil_day.academic_year,
        pupil_day.pupil_key,
        pupil_year.year_group,
        period.period_type,
        period.period,
        {{ summed_counts('pupil_day') }},
        {{ reason_counts('pupil_day') }}
    from pupil_day
    inner join pupil_year
        on
            pupil_day.school_id = pupil_year.school_id
            and pupil_day.pupil_key = pupil_year.pupil_key
            and pupil_day.academic_year = pupil_year.academic_year
    inner join school_day
        on pupil_day.school_id = school_day.school_id and pupil_day.session_date = school_day.session_date
    cross join lateral (
        values ('term', school_day.term), ('half_term', school_day.half_term::text), ('week', school_day.week_start::text)
    ) as period (period_type, period)
    where pupil_year.is_statistical and pupil_day.session_date <= pupil_year.counted_until
    group by
        pupil_day.school_id, pupil_day.academic_year, pupil_day.pupil_key, pupil_year.year_group, period.period_type,
        period.period

)

select
    pupil_period.school_id,
    pupil_period.academic_year,
    pupil_period.period_type,
    pupil_period.period,
    pupil_group.group_name as group_1,
    pupil_group.group_value as value_1,
    count(*)::integer as enrolments,
    case when pupil_period.period_type <> 'week' then
        count(*) filter (where 10 * pupil_period.absence_sessions >= pupil_period.possible_sessions)::integer
    end as persistently_absent_enrolments,
    case when pupil_period.period_type <> 'week' then
        count(*) filter (where 2 * pupil_period.absence_sessions >= pupil_period.possible_sessions)::integer
    end as severely_absent_enrolments,
    {{ summed_counts('pupil_period') }},
    {{ summed_reasons('pupil_period') }}
from pupil_period
inner join pupil
    on pupil_period.school_id = pupil.school_id and pupil_period.pupil_key = pupil.pupil_key
left join characteristics
    on pupil_period.school_id = characteristics.school_id and pupil_period.pupil_key = characteristics.pupil_key
cross join lateral {{ pupil_groups('pupil_period.year_group', 'pupil.sex', 'characteristics') }}
where pupil_period.possible_sessions > 0
group by 1, 2, 3, 4, 5, 6
