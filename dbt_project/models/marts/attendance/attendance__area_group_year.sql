{%- set minimum = var('suppression_minimum_schools') %}
{%- set line = 'area_level, area_code, academic_year, group_name' %}
with

school as (

    select * from {{ ref('school') }}

),

group_year as (

    select * from {{ ref('group_year') }}

),

area_year as (

    select * from {{ ref('attendance__area_year') }}

),

member as (

    select
        area.area_level,
        area.area_code,
        phase.phase,
        group_year.group_1 as group_name,
        group_year.value_1 as group_value,
        group_year.*
    from group_year
    inner join school
        on group_year.school_id = school.school_id
    cross join
        lateral (
            values
            ('trust', school.trust_uid),
            ('la', school.la_code),
            ('region', school.region_code),
            ('platform', 'platform')
        ) as area (area_level, area_code)
    cross join
        lateral (
            values ({{ area_phase('school') }}), ('Total')
        ) as phase (phase)
    where
        school.state = 'approved' and area.area_code is not null and {{ area_phase('school') }} is not null
        and group_year.group_2 = 'all'

),

counted as (

    select
        {%- for name in ['enrolments', 'persistently_absent_enrolments', 'severely_absent_enrolments'] %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        {%- for name in count_names() + reason_names() %}
        sum({{ name }}_sessions) as {{ name }}_sessions,
        {%- endfor %}
        area_level,
        area_code,
        academic_year,
        phase,
        group_name,
        group_value,
        count(*) as schools
    from member
    group by area_level, area_code, academic_year, phase, group_name, group_value

),

-- An area without figures has none of its groups; a group that only one or two schools have is theirs.
flagged as (

    select
        counted.*,
        area_year.is_suppressed as is_area_hidden,
        bool_or(area_year.phase = 'Total' and not area_year.is_suppressed) over (
            partition by counted.area_level, counted.area_code, counted.academic_year
        ) as has_total,
        {{ small_parts('counted') }}
    from counted
    inner join area_year
        on
            counted.area_level = area_year.area_level
            and counted.area_code = area_year.area_code
            and counted.academic_year = area_year.academic_year
            and counted.phase = area_year.phase

),

small as (

    select
        {%- for part in suppressed_parts() %}
        is_small_{{ part }} or schools < {{ minimum }} or is_area_hidden as is_small_{{ part }},
        {%- endfor %}
        area_level,
        area_code,
        academic_year,
        phase,
        group_name,
        group_value,
        schools,
        is_area_hidden,
        has_total,
        row_number() over (
            partition by {{ line }}, phase
            order by enrolments, group_value
        ) as place
    from flagged
    where group_name <> 'all'

),

alone as (

    select
        {%- for part in suppressed_parts() %}
        {{ hidden_in_set('is_small_' ~ part, line ~ ', phase', 'place') }} as is_alone_{{ part }},
        {%- endfor %}
        small.*
    from small

),

whole as (

    select * from alone
    where phase = 'Total'

),

phase as (

    select distinct
        area_level,
        area_code,
        academic_year,
        phase,
        row_number() over (
            partition by area_level, area_code, academic_year
            order by schools, phase
        ) as place,
        is_area_hidden
    from flagged
    where group_name = 'all' and phase <> 'Total' and has_total

),

-- Where the total of the phases is shown too: every value by every phase.
cell as (

    select
        {%- for part in suppressed_parts() %}
        whole.is_alone_{{ part }} as is_hidden_1_{{ part }},
        phase.is_area_hidden as is_hidden_2_{{ part }},
        coalesce(alone.is_small_{{ part }}, false) as is_small_{{ part }},
        {%- endfor %}
        whole.area_level,
        whole.area_code,
        whole.academic_year,
        whole.group_name,
        whole.group_value as line_1,
        phase.phase as line_2,
        whole.place as place_1,
        phase.place as place_2
    from whole
    inner join phase
        on
            whole.area_level = phase.area_level
            and whole.area_code = phase.area_code
            and whole.academic_year = phase.academic_year
    left join alone
        on
            whole.area_level = alone.area_level
            and whole.area_code = alone.area_code
            and whole.academic_year = alone.academic_year
            and whole.group_name = alone.group_name
            and whole.group_value = alone.group_value
            and phase.phase = alone.phase

),

{{ hidden_in_table('cell_own', 'cell', line, suppressed_parts()) }},

own as (

    select
        {%- for part in suppressed_parts() %}
        alone.is_small_{{ part }},
        alone.is_alone_{{ part }} or coalesce(cell_own.is_hidden_{{ part }}, false) as is_own_{{ part }},
        {%- endfor %}
        alone.area_level,
        alone.area_code,
        alone.academic_year,
        alone.phase,
        alone.group_name,
        alone.group_value,
        alone.schools
    from alone
    left join cell_own
        on
            alone.area_level = cell_own.area_level
            and alone.area_code = cell_own.area_code
            and alone.academic_year = cell_own.academic_year
            and alone.phase = cell_own.line_2
            and alone.group_name = cell_own.group_name
            and alone.group_value = cell_own.line_1

),

hidden as (

    select
        area_level,
        area_code,
        academic_year,
        phase,
        group_name,
        group_value,
        schools,
        {{ part_columns('is_small_') }},
        {{ nested_parts('is_own_') }}
    from own
    union all
    select
        area_level,
        area_code,
        academic_year,
        phase,
        group_name,
        group_value,
        schools,
        {{ part_columns('is_small_', value='is_area_hidden') }},
        {{ part_columns('is_hidden_', value='is_area_hidden') }}
    from flagged
    where group_name = 'all'

)

select
    hidden.area_level,
    hidden.area_code,
    hidden.academic_year,
    hidden.phase,
    hidden.group_name,
    hidden.group_value,
    hidden.schools::integer as schools,
    {{ published_group_columns('hidden', 'counted', type='bigint') }}
from hidden
inner join counted
    on
        hidden.area_level = counted.area_level
        and hidden.area_code = counted.area_code
        and hidden.academic_year = counted.academic_year
        and hidden.phase = counted.phase
        and hidden.group_name = counted.group_name
        and hidden.group_value = counted.group_value
