{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key=['school_id', 'academic_year'],
        on_schema_change='fail',
        pre_hook="{{ forget_vanished_years(ref('group_input')) }}",
    )
}}

with

group_input as (

    select * from {{ ref('group_input') }}

),

group_member as (

    select * from {{ ref('group_member') }}

),

{{ stale_school_years('group_input') }}

pupil as (

    select
        group_member.school_id,
        group_member.academic_year,
        {{ group_columns('group_member') }},
        {{ letter_counts('counted_marks') }}
    from group_member
    inner join stale
        on
            group_member.school_id = stale.school_id
            and group_member.academic_year = stale.academic_year
    cross join lateral {{ counted_marks(
        'left(group_member.marks, group_member.counted_places)',
        'substring(group_member.missing from 1 for group_member.counted_places)'
    ) }} as counted_marks

),

-- Pupils alike in everything first: each is in 46 groups and pairs of groups.
alike as (

    select
        school_id,
        academic_year,
        {{ group_columns() }},
        count(*) filter (where possible_sessions > 0) as enrolments,
        count(*) filter (
            where possible_sessions > 0 and 10 * absence_sessions >= possible_sessions
        ) as persistently_absent_enrolments,
        count(*) filter (
            where possible_sessions > 0 and 2 * absence_sessions >= possible_sessions
        ) as severely_absent_enrolments,
        {{ summed_counts() }}
    from pupil
    group by
        school_id, academic_year,
        {{ group_columns() }}

)

select
    alike.school_id,
    alike.academic_year,
    crossing.group_1,
    crossing.value_1,
    crossing.group_2,
    crossing.value_2,
    sum(alike.enrolments)::integer as enrolments,
    sum(alike.persistently_absent_enrolments)::integer as persistently_absent_enrolments,
    sum(alike.severely_absent_enrolments)::integer as severely_absent_enrolments,
    {{ summed_counts('alike') }},
    stale.fingerprint
from alike
inner join stale
    on
        alike.school_id = stale.school_id
        and alike.academic_year = stale.academic_year
cross join
    lateral (
        values
        ('all', 'all', 'all', 'all')
        {%- for first in pupil_groups() %},
        ('{{ first }}', alike.{{ first }}, 'all', 'all')
        {%- set after = loop.index %}
        {%- for second in pupil_groups()[after:] %},
        ('{{ first }}', alike.{{ first }}, '{{ second }}', alike.{{ second }})
        {%- endfor %}
        {%- endfor %}
    ) as crossing (group_1, value_1, group_2, value_2)
group by
    alike.school_id, alike.academic_year, crossing.group_1, crossing.value_1, crossing.group_2, crossing.value_2,
    stale.fingerprint
