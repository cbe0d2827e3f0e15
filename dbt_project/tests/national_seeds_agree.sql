-- Figures of England that stand in both seeds and differ.
with

national_attendance as (

    select * from {{ ref('national_attendance') }}

),

published_attendance as (

    select * from {{ ref('published_attendance') }}

),

published as (

    select
        published_attendance.academic_year,
        published_attendance.phase,
        given.measure,
        round(given.rate, 6) as rate,
        published_attendance.release
    from published_attendance
    cross join
        lateral (
            values
            {%- for rate in ['attendance', 'absence', 'authorised', 'unauthorised', 'persistent_absence'] %}
            ('{{ rate }}_rate', published_attendance.{{ rate }}_rate)
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as given (measure, rate)
    where published_attendance.area_level = 'England'

)

select
    national_attendance.academic_year,
    national_attendance.national_phase,
    national_attendance.measure,
    national_attendance.rate
from national_attendance
left join published
    on
        national_attendance.academic_year = published.academic_year
        and national_attendance.national_phase = published.phase
        and national_attendance.measure = published.measure
where
    (national_attendance.rate, national_attendance.release) is distinct from (published.rate, published.release)
