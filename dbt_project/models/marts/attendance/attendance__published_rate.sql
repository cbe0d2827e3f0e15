with

published_attendance as (

    select * from {{ ref('published_attendance') }}

),

-- The department's total: each phase's rate by the enrolments of its census.
total as (

    select
        {%- for rate, part in [
            ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'),
            ('unauthorised', 'unauthorised')
        ] %}
        {{ weighted_percentage(part ~ '_sessions', 'possible_sessions', 'census_enrolments') }} as {{ rate }}_rate,
        {%- endfor %}
        academic_year,
        area_level,
        area_code
    from published_attendance
    where phase <> 'Total' and academic_year <= {{ last_weighted_year() }}
    group by academic_year, area_level, area_code

),

counted as (

    select
        {%- for rate, part in [
            ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'),
            ('unauthorised', 'unauthorised')
        ] %}
        {{ percentage(
            'published_attendance.' ~ part ~ '_sessions', 'published_attendance.possible_sessions'
        ) }} as own_{{ rate }}_rate,
        {%- endfor %}
        published_attendance.*
    from published_attendance

)

select
    counted.academic_year,
    counted.area_level,
    counted.area_code,
    counted.phase,
    counted.area_name,
    counted.region_code,
    counted.is_suppressed,
    counted.schools::numeric(20, 10) as schools,
    counted.enrolments::numeric(20, 10) as enrolments,
    counted.census_enrolments,
    {%- for name in [
        'possible', 'attended', 'present', 'approved_activity', 'absence', 'authorised', 'unauthorised', 'late',
        'late_after_register', 'illness', 'appointment', 'suspended', 'agreed_holiday', 'unauthorised_holiday',
        'no_reason', 'other_unauthorised', 'religious', 'study_leave', 'mobile_child', 'exceptional_leave',
        'performance', 'interview', 'part_time_timetable'
    ] %}
    counted.{{ name }}_sessions,
    {%- endfor %}
    {%- for rate in ['attendance', 'absence', 'authorised', 'unauthorised'] %}
    case
        when counted.phase = 'Total' and counted.academic_year <= {{ last_weighted_year() }} then total.{{ rate }}_rate
        else counted.own_{{ rate }}_rate
    end::numeric(9, 6) as {{ rate }}_rate,
    {%- endfor %}
    round(counted.persistent_absence_rate, 6)::numeric(9, 6) as persistent_absence_rate,
    counted.release,
    counted.source
from counted
left join total
    on
        counted.academic_year = total.academic_year
        and counted.area_level = total.area_level
        and counted.area_code = total.area_code
