{%- set rates = [
    ('attendance', 'attended_sessions', 'possible_sessions'), ('absence', 'absence_sessions', 'possible_sessions'),
    ('authorised', 'authorised_sessions', 'possible_sessions'),
    ('unauthorised', 'unauthorised_sessions', 'possible_sessions'),
    ('persistent_absence', 'persistently_absent_enrolments', 'enrolments'),
    ('severe_absence', 'severely_absent_enrolments', 'enrolments')
] %}
{%- set minimum = var('suppression_minimum_schools') %}
with

school as (

    select * from {{ ref('school') }}

),

school_year as (

    select * from {{ ref('attendance__school_year') }}

),

published_rate as (

    select * from {{ ref('attendance__published_rate') }}

),

member as (

    select
        area.area_level,
        area.area_code,
        area.area_name,
        school.region_code,
        {{ area_phase('school') }} as phase,
        school_year.*
    from school_year
    inner join school
        on school_year.school_id = school.school_id
    cross join
        lateral (
            values
            ('trust', school.trust_uid, school.trust_name),
            ('la', school.la_code, school.la_name),
            ('region', school.region_code, school.region_name),
            ('platform', 'platform', 'All schools of the platform')
        ) as area (area_level, area_code, area_name)
    where school.state = 'approved' and area.area_code is not null and school_year.enrolments > 0

),

by_phase as (

    select
        area_level,
        area_code,
        academic_year,
        phase,
        max(area_name) as area_name,
        max(region_code) as region_code,
        min(last_session_date) as last_session_date,
        count(*) as schools,
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
    {%- for name in count_names() + reason_names() %}
    sum({{ name }}_sessions) as {{ name }}_sessions
    {{- ',' if not loop.last }}
    {%- endfor %}
    from member
    where phase is not null
    group by area_level, area_code, academic_year, phase

),

-- The published row of the same area and phase; England stands beside the platform, nothing beside a trust.
beside as (

    select
        case area_level when 'England' then 'platform' when 'Region' then 'region' else 'la' end as area_level,
        case area_level when 'England' then 'platform' else area_code end as area_code,
        academic_year,
        phase,
        schools,
        census_enrolments,
        attendance_rate,
        absence_rate,
        authorised_rate,
        unauthorised_rate,
        persistent_absence_rate,
        release
    from published_rate

),

weighted as (

    select
        by_phase.*,
        beside.census_enrolments as weight
    from by_phase
    left join beside
        on
            by_phase.area_level = beside.area_level
            and by_phase.area_code = beside.area_code
            and by_phase.academic_year = beside.academic_year
            and by_phase.phase = beside.phase

),

total as (

    select
        area_level,
        area_code,
        academic_year,
        max(area_name) as area_name,
        max(region_code) as region_code,
        min(last_session_date) as last_session_date,
        sum(schools) as schools,
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        {%- for name in count_names() + reason_names() %}
        sum({{ name }}_sessions) as {{ name }}_sessions,
        {%- endfor %}
        {%- for rate, part, whole in rates %}
        {{ weighted_percentage(part, whole, 'weight') }} as weighted_{{ rate }}_rate,
        {%- endfor %}
        academic_year <= {{ last_weighted_year() }} and count(weight) = count(*) as is_weighted
    from weighted
    group by area_level, area_code, academic_year

),

area as (

    select
        area_level,
        area_code,
        academic_year,
        phase,
        area_name,
        region_code,
        last_session_date,
        schools,
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        {{ name }},
        {%- endfor %}
        {{ count_columns() }},
        {%- for rate, part, whole in rates %}
        {{ percentage(part, whole) }} as {{ rate }}_rate,
        {%- endfor %}
        null as total_method
    from by_phase
    union all
    select
        area_level,
        area_code,
        academic_year,
        'Total' as phase,
        area_name,
        region_code,
        last_session_date,
        schools,
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        {{ name }},
        {%- endfor %}
        {{ count_columns() }},
        {%- for rate, part, whole in rates %}
        case when is_weighted then weighted_{{ rate }}_rate else {{ percentage(part, whole) }} end as {{ rate }}_rate,
        {%- endfor %}
        case when is_weighted then 'weighted by census enrolments' else 'plain sum' end as total_method
    from total

),

small as (

    select
        area.*,
        area.schools < {{ minimum }} as is_small
    from area

),

-- A total gives away the hidden phases together, unless they are schools enough themselves.
phased as (

    select
        small.*,
        small.is_small or (
            small.phase = 'Total'
            and sum(small.schools) filter (where small.is_small and small.phase <> 'Total')
                over (partition by small.area_level, small.area_code, small.academic_year)
            < {{ minimum }}
        ) as is_phase_hidden
    from small

),

-- So does a region its hidden authorities, and the platform its hidden regions or trusts with the schools of none: then
-- the smallest one that is shown is hidden too.
nested as (

    select
        phased.*,
        phased.is_phase_hidden is true as is_hidden_before,
        case
            when phased.area_level = 'la' then phased.region_code when phased.area_level <> 'platform' then 'platform'
        end
            as parent_code,
        row_number() over (
            partition by
                phased.area_level, phased.academic_year, phased.phase, phased.is_phase_hidden is true,
                case phased.area_level when 'la' then phased.region_code end
            order by phased.schools, phased.area_code
        ) as place
    from phased

),

parted as (

    select
        nested.*,
        parent.schools - sum(nested.schools) filter (where not nested.is_hidden_before) over (
            partition by nested.area_level, nested.parent_code, nested.academic_year, nested.phase
        ) as left_schools
    from nested
    left join nested as parent
        on
            nested.parent_code = parent.area_code
            and parent.area_level = case when nested.area_level = 'la' then 'region' else 'platform' end
            and nested.academic_year = parent.academic_year
            and nested.phase = parent.phase

),

taken_along as (

    select
        parted.*,
        parted.parent_code is not null
        and not parted.is_hidden_before
        and parted.place = 1
        and parted.left_schools between 1 and {{ minimum }} - 1 as is_taken_along
    from parted

),

hidden as (

    select
        taken_along.*,
        taken_along.is_hidden_before or coalesce(taken_along.is_taken_along, false) or (
            taken_along.phase = 'Total'
            and coalesce(
                bool_or(taken_along.is_taken_along)
                    over (partition by taken_along.area_level, taken_along.area_code, taken_along.academic_year),
                false
            )
        ) as is_hidden
    from taken_along

)

select
    hidden.area_level,
    hidden.area_code,
    hidden.academic_year,
    hidden.phase,
    hidden.area_name,
    hidden.schools::integer as schools,
    hidden.last_session_date,
    hidden.is_hidden as is_suppressed,
    case when hidden.is_small then 'few schools' when hidden.is_hidden then 'secondary' end as suppression_reason,
    {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
    case when not hidden.is_hidden then hidden.{{ name }} end::bigint as {{ name }},
    {%- endfor %}
    {%- for name in count_names() + reason_names() %}
    case when not hidden.is_hidden then hidden.{{ name }}_sessions end::bigint as {{ name }}_sessions,
    {%- endfor %}
    {%- for rate, _, _ in rates %}
    case when not hidden.is_hidden then hidden.{{ rate }}_rate end::numeric(9, 6) as {{ rate }}_rate,
    {%- endfor %}
    hidden.total_method,
    beside.schools as published_schools,
    {%- for rate in ['attendance', 'absence', 'authorised', 'unauthorised', 'persistent_absence'] %}
    beside.{{ rate }}_rate as published_{{ rate }}_rate,
    {%- endfor %}
    beside.release as published_release
from hidden
left join beside
    on
        hidden.area_level = beside.area_level
        and hidden.area_code = beside.area_code
        and hidden.academic_year = beside.academic_year
        and hidden.phase = beside.phase
