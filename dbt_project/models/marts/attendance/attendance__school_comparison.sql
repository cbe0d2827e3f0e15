{%- set measures = {
    'attendance_rate': ('attended_sessions', 'possible_sessions'),
    'absence_rate': ('absence_sessions', 'possible_sessions'),
    'authorised_rate': ('authorised_sessions', 'possible_sessions'),
    'unauthorised_rate': ('unauthorised_sessions', 'possible_sessions'),
    'persistent_absence_rate': ('persistently_absent_enrolments', 'enrolments'),
    'severe_absence_rate': ('severely_absent_enrolments', 'enrolments')
} %}
{%- set minimum = var('suppression_minimum_schools') %}
with

school as (

    select * from {{ ref('school') }}

),

school_year as (

    select * from {{ ref('attendance__school_year') }}

),

school_year_before as (

    select * from {{ ref('attendance__school_year_before') }}

),

published_rate as (

    select * from {{ ref('attendance__published_rate') }}

),

area_year as (

    select * from {{ ref('attendance__area_year') }}

),

similar_school as (

    select * from {{ ref('attendance__similar_school') }}

),

own as (

    select
        school_year.*,
        school.la_code,
        school.region_code,
        school.trust_uid,
        school.state = 'approved' as is_approved
    from school_year
    inner join school
        on school_year.school_id = school.school_id
    where school_year.possible_sessions > 0

),

-- The schools nearest, taken together: sessions summed first.
neighbour_sum as (

    select
        {%- for name in (measures.values() | list | sum(start=()) | unique) %}
        sum(neighbour.{{ name }}) as {{ name }},
        {%- endfor %}
        {%- for measure in measures %}
        1 + count(*) filter (
            where neighbour.{{ measure }} {{ '>' if measure == 'attendance_rate' else '<' }} own.{{ measure }}
        ) as {{ measure }}_rank,
        {%- endfor %}
        own.school_id,
        own.academic_year,
        count(*) as schools
    from own
    inner join similar_school
        on
            own.school_id = similar_school.school_id
            and own.academic_year = similar_school.academic_year
    inner join school_year as neighbour
        on
            similar_school.neighbour_school_id = neighbour.school_id
            and similar_school.academic_year = neighbour.academic_year
    group by own.school_id, own.academic_year

),

-- Other schools' pupils: few of them, or one school's alone, are hidden from every reader.
neighbourhood as (

    select
        neighbour_sum.*,
        {%- for measure, (part, whole) in measures.items() %}
        {{ percentage('neighbour_sum.' ~ part, 'neighbour_sum.' ~ whole) }} as {{ measure }},
        {%- endfor %}
        neighbour_sum.schools < {{ minimum }} - 1 as has_few_schools,
        {{ small_parts('neighbour_sum') }}
    from neighbour_sum

),

-- Places among the approved schools of a phase (an all-through school's among all), of the platform and of a trust.
placed as (

    select
        school_id,
        academic_year
        {%- for pool in ['platform', 'trust'] %}
        {%- set by = 'academic_year' ~ (', trust_uid' if pool == 'trust' else '') %},
        {%- for measure in measures %}
        case
            when national_phase = 'Total'
                then rank() over (
                    partition by {{ by }}
                    order by {{ measure }} {{ 'desc' if measure == 'attendance_rate' else 'asc' }}
                )
            else rank() over (
                partition by {{ by }}, national_phase
                order by {{ measure }} {{ 'desc' if measure == 'attendance_rate' else 'asc' }}
            )
        end as {{ pool }}_{{ measure }}_rank
        {{- ',' if not loop.last }}
        {%- endfor %},
        case
            when national_phase = 'Total' then count(*) over (partition by {{ by }})
            else count(*) over (partition by {{ by }}, national_phase)
        end as {{ pool }}_schools
        {%- endfor %}
    from own
    where is_approved and national_phase is not null

),

compared as (
    {%- for measure in measures %}

    select
        own.school_id,
        own.academic_year,
        '{{ measure }}' as measure,
        'own last year, same weeks' as comparison,
        own.{{ measure }} as school_value,
        school_year_before.{{ measure }} as comparison_value,
        null::integer as comparator_schools,
        null::bigint as rank,
        null::bigint as ranked_schools,
        case
            when school_year_before.school_id is null then 'same weeks'
            when school_year_before.is_whole_year then 'whole year'
            else 'weeks 1 to ' || school_year_before.last_week_number
        end as period,
        null as release,  -- noqa: RF04
        case when school_year_before.school_id is null then 'The platform has no marks of the year before.' end as note,
        false as is_suppressed
    from own
    left join school_year_before
        on
            own.school_id = school_year_before.school_id
            and own.academic_year = school_year_before.academic_year
    {%- for comparison, level, code in [
        ('local authority', 'Local authority', 'own.la_code'), ('region', 'Region', 'own.region_code'),
        ('England', 'England', "'E92000001'")
    ] %}
    union all
    select
        own.school_id,
        own.academic_year,
        '{{ measure }}' as measure,
        '{{ comparison }}' as comparison,
        own.{{ measure }} as school_value,
        {{ 'published_rate.' ~ measure if measure != 'severe_absence_rate' else 'null::numeric' }} as comparison_value,
        round(published_rate.schools)::integer as comparator_schools,
        null::bigint as rank,
        null::bigint as ranked_schools,
        'whole year' as period,
        published_rate.release,
        case
            {%- if measure == 'severe_absence_rate' %}
            when true then 'No series of severe absence is published here.'
            {%- endif %}
            when published_rate.is_suppressed then 'The department hides it (c): one school only.'
            when published_rate.academic_year is null and own.national_phase is null
                then 'The department has no figures of the school''s phase.'
            {%- if comparison == 'local authority' %}
            when published_rate.academic_year is null and own.national_phase = 'Total'
                then 'The department publishes no total of the phases of a local authority.'
            {%- endif %}
            when published_rate.academic_year is null then 'No figure of the year and area is published here.'
        end as note,
        coalesce(published_rate.is_suppressed, false) as is_suppressed
    from own
    left join published_rate
        on
            own.academic_year = published_rate.academic_year
            and published_rate.area_level = '{{ level }}'
            and {{ code }} = published_rate.area_code
            and own.national_phase = published_rate.phase
    {%- endfor %}
    {%- for comparison, level, code in [
        ('trust', 'trust', 'own.trust_uid'), ('platform pool', 'platform', "'platform'")
    ] %}
    union all
    select
        own.school_id,
        own.academic_year,
        '{{ measure }}' as measure,
        '{{ comparison }}' as comparison,
        own.{{ measure }} as school_value,
        area_year.{{ measure }} as comparison_value,
        area_year.schools as comparator_schools,
        case when not area_year.is_suppressed then placed.{{ level }}_{{ measure }}_rank end as rank,
        placed.{{ level }}_schools as ranked_schools,
        'year to date' as period,
        null as release,  -- noqa: RF04
        case
            {%- if level == 'trust' %}
            when own.trust_uid is null then 'The school belongs to no trust in reference.school_trust.'
            {%- endif %}
            when area_year.area_code is null then 'The pool has no school of the phase.'
            when area_year.is_suppressed
                then 'Hidden (c): fewer than {{ minimum }} schools, or it would give away such a pool.'
        end as note,
        coalesce(area_year.is_suppressed, false) as is_suppressed
    from own
    left join area_year
        on
            own.academic_year = area_year.academic_year
            and area_year.area_level = '{{ level }}'
            and {{ code }} = area_year.area_code
            and own.national_phase = area_year.phase
    left join placed
        on
            own.school_id = placed.school_id
            and own.academic_year = placed.academic_year
    {%- endfor %}
    {%- set hidden = 'neighbourhood.has_few_schools or neighbourhood.is_small_' ~ hiding_part(measure) %}
    union all
    select
        own.school_id,
        own.academic_year,
        '{{ measure }}' as measure,
        'similar schools' as comparison,
        own.{{ measure }} as school_value,
        case when not ({{ hidden }}) then neighbourhood.{{ measure }} end as comparison_value,
        coalesce(neighbourhood.schools, 0)::integer as comparator_schools,
        case when not ({{ hidden }}) then neighbourhood.{{ measure }}_rank end as rank,
        neighbourhood.schools + 1 as ranked_schools,
        'year to date' as period,
        null as release,  -- noqa: RF04
        case
            when coalesce(neighbourhood.has_few_schools, true)
                then 'Fewer than {{ minimum - 1 }} other schools of the phase.'
            when {{ hidden }} then 'Hidden (c): it rests on one or two sessions or pupils.'
            when neighbourhood.schools < {{ var('similar_schools') }}
                then
                    'All '
                    || neighbourhood.schools
                    || ' other schools of the phase: the pool has no {{ var('similar_schools') }}.'
        end as note,
        coalesce({{ hidden }}, false) as is_suppressed
    from own
    left join neighbourhood
        on
            own.school_id = neighbourhood.school_id
            and own.academic_year = neighbourhood.academic_year
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}

)

select
    school_id,
    academic_year,
    measure,
    comparison,
    school_value::numeric(9, 6) as school_value,
    comparison_value::numeric(9, 6) as comparison_value,
    (school_value - comparison_value)::numeric(9, 6) as difference,
    comparator_schools,
    rank::integer as rank,
    case when rank is not null and ranked_schools > 1 then 1 + (99 * (rank - 1) / (ranked_schools - 1))::integer end
        as percentile,
    period,
    release,
    note,
    is_suppressed
from compared
