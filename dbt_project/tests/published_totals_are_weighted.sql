-- Totals of the department that weighting its phases does not give, to six places; and, from methodology 3.6, what it
-- gives to four: the weighted total is the published one, the plain sum of sessions is not.
with

published_attendance as (

    select * from {{ ref('published_attendance') }}

),

published_rate as (

    select * from {{ ref('attendance__published_rate') }}

),

persistent as (

    select
        academic_year,
        area_level,
        area_code,
        {{ weighted_rate('persistent_absence_rate', 'census_enrolments') }} as persistent_absence_rate
    from published_attendance
    where phase <> 'Total'
    group by academic_year, area_level, area_code

),

printed as (

    select *
    from (
        values
        (202223, 4658003, 3590630, 147547, 7.5264, 7.4604, 22.3112),
        (202324, 4533855, 3631245, 159208, 7.2108, 7.1851, 20.6567),
        (202425, 4488598, 3643681, 166617, 6.8702, 6.8797, 18.6999)
    ) as figure (academic_year, primary_weight, secondary_weight, special_weight, weighted, plain_sum, persistent)

),

england as (

    select
        published_attendance.academic_year,
        max(published_attendance.census_enrolments) filter (where published_attendance.phase = 'Primary')
            as primary_weight,
        max(published_attendance.census_enrolments) filter (where published_attendance.phase = 'Secondary')
            as secondary_weight,
        max(published_attendance.census_enrolments) filter (where published_attendance.phase = 'Special')
            as special_weight,
        {{ weighted_percentage('absence_sessions', 'possible_sessions', 'census_enrolments', places=4) }} as weighted,
        {{ percentage('sum(absence_sessions)', 'sum(possible_sessions)', places=4) }} as plain_sum,
        {{ weighted_rate('persistent_absence_rate', 'census_enrolments', places=4) }} as persistent
    from published_attendance
    where published_attendance.area_level = 'England' and published_attendance.phase <> 'Total'
    group by published_attendance.academic_year

)

select
    published_rate.academic_year,
    published_rate.area_level,
    published_rate.area_name,
    'six places' as compared
from published_rate
inner join published_attendance
    on
        published_rate.academic_year = published_attendance.academic_year
        and published_rate.area_level = published_attendance.area_level
        and published_rate.area_code = published_attendance.area_code
        and published_rate.phase = published_attendance.phase
left join persistent
    on
        published_rate.academic_year = persistent.academic_year
        and published_rate.area_level = persistent.area_level
        and published_rate.area_code = persistent.area_code
where
    published_rate.phase = 'Total' and (
        {%- for rate in ['attendance', 'absence', 'authorised', 'unauthorised'] %}
        published_rate.{{ rate }}_rate is distinct from round(published_attendance.{{ rate }}_rate, 6) or
        {%- endfor %}
        persistent.persistent_absence_rate is distinct from round(published_attendance.persistent_absence_rate, 6)
    )
union all
select
    printed.academic_year,
    'England' as area_level,
    'England' as area_name,
    'four places' as compared
from printed
left join england
    on printed.academic_year = england.academic_year
where
    (
        printed.primary_weight, printed.secondary_weight, printed.special_weight, printed.weighted, printed.plain_sum,
        printed.persistent
    ) is distinct from (
        england.primary_weight, england.secondary_weight, england.special_weight, england.weighted, england.plain_sum,
        england.persistent
    )
