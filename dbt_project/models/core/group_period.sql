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

half_term as (

    select * from {{ ref('half_term') }}

),

{{ stale_school_years('group_input') }}

period as (

    select
        academic_year,
        'term' as period_type,
        term as period,
        {{ am_position('min(starts_on)', 'academic_year') }} as first_position,
        {{ am_position('max(ends_on)', 'academic_year') }} + 1 as last_position
    from half_term
    group by academic_year, term
    union all
    select
        academic_year,
        'half_term' as period_type,
        half_term::text as period,
        {{ am_position('starts_on', 'academic_year') }} as first_position,
        {{ am_position('ends_on', 'academic_year') }} + 1 as last_position
    from half_term
    union all
    select
        stale_year.academic_year,
        'week' as period_type,
        ({{ first_day('stale_year.academic_year') }} + 7 * numbered.week)::text as period,
        14 * numbered.week + 1 as first_position,
        14 * numbered.week + 14 as last_position
    from (select distinct academic_year from stale) as stale_year
    cross join generate_series(0, {{ year_length() // 14 - 1 }}) as numbered (week)

),

counted_member as materialized (

    select
        group_member.school_id,
        group_member.academic_year,
        {{ group_columns('group_member') }},
        group_member.counted_places,
        left(group_member.marks, group_member.counted_places) as marks,
        group_member.missing
    from group_member
    inner join stale
        on
            group_member.school_id = stale.school_id
            and group_member.academic_year = stale.academic_year

),

-- Materialized: else each count would be worked out again for each of the pupil's ten groups.
pupil_period as materialized (

    select
        counted_member.school_id,
        counted_member.academic_year,
        {{ group_columns('counted_member') }},
        period.period_type,
        period.period,
        {{ count_columns('remembered') }}
    from counted_member
    inner join period
        on
            counted_member.academic_year = period.academic_year
            and counted_member.counted_places >= period.first_position
    cross join lateral {{ counted_marks(
        letters_from(
            'counted_member.marks', 'period.first_position', 'period.last_position - period.first_position + 1'
        ),
        'substring(counted_member.missing from period.first_position for least(period.last_position,'
        ' counted_member.counted_places) - period.first_position + 1)'
    ) }} as counted_marks
    cross join lateral {{ remembered_counts('counted_marks') }} as remembered
    where counted_marks.plain + length(counted_marks.rest) + counted_marks.missing > 0

)

select
    pupil_period.school_id,
    pupil_period.academic_year,
    pupil_period.period_type,
    pupil_period.period,
    member.group_1,
    member.value_1,
    count(*) filter (where pupil_period.possible_sessions > 0)::integer as enrolments,
    case
        when pupil_period.period_type <> 'week' then count(*) filter (
            where pupil_period.possible_sessions > 0
            and 10 * pupil_period.absence_sessions >= pupil_period.possible_sessions
        )
    end::integer as persistently_absent_enrolments,
    case
        when pupil_period.period_type <> 'week' then count(*) filter (
            where pupil_period.possible_sessions > 0
            and 2 * pupil_period.absence_sessions >= pupil_period.possible_sessions
        )
    end::integer as severely_absent_enrolments,
    {{ summed_counts('pupil_period') }},
    stale.fingerprint
from pupil_period
inner join stale
    on
        pupil_period.school_id = stale.school_id
        and pupil_period.academic_year = stale.academic_year
cross join
    lateral (
        values
        ('all', 'all')
        {%- for group in pupil_groups() %},
        ('{{ group }}', pupil_period.{{ group }})
        {%- endfor %}
    ) as member (group_1, value_1)
group by
    pupil_period.school_id, pupil_period.academic_year, pupil_period.period_type, pupil_period.period, member.group_1,
    member.value_1, stale.fingerprint
