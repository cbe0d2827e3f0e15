-- Rows of the department whose rates our macros do not give. The department divides in floating point: there every
-- digit must be the same (a float's text has 15 digits); in numeric, the last one may differ by one.
with

published_attendance as (

    select * from {{ ref('published_attendance') }}

),

computed as (

    select
        published_attendance.academic_year,
        published_attendance.area_level,
        published_attendance.area_name,
        {{ session_rates('published_attendance', places=16) }},
        {%- for rate, part in [
            ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'),
            ('unauthorised', 'unauthorised')
        ] %}
        ({{ part }}_sessions::double precision / published_attendance.possible_sessions * 100)::numeric
            as floating_{{ rate }}_rate,
        {{ rate }}_rate as published_{{ rate }}_rate,
        {%- endfor %}
        published_attendance.phase
    from published_attendance
    where not published_attendance.is_suppressed and published_attendance.phase <> 'Total'

)

select *
from computed
where
{%- for rate in ['attendance', 'absence', 'authorised', 'unauthorised'] %}
coalesce(
    abs({{ rate }}_rate - published_{{ rate }}_rate) > 10 ^ (-scale(published_{{ rate }}_rate))
    or floating_{{ rate }}_rate <> published_{{ rate }}_rate, true
)
{{- ' or' if not loop.last }}
{%- endfor %}
