{%- set inputs = {
    'roll': 'roll', 'fsm6_percent': '100.0 * fsm6_pupils / nullif(fsm6_known, 0)',
    'sen_support_percent': '100.0 * sen_support_pupils / nullif(sen_known, 0)',
    'ehcp_percent': '100.0 * ehcp_pupils / nullif(sen_known, 0)',
    'eal_percent': '100.0 * eal_pupils / nullif(eal_known, 0)'
} %}
with

school as (

    select * from {{ ref('school') }}

),

school_characteristics as (

    select * from {{ ref('school_characteristics') }}

),

school_year as (

    select * from {{ ref('attendance__school_year') }}

),

similarity_input as (

    select * from {{ ref('similarity_input') }}

),

measured as (

    select
        {%- for name, expression in inputs.items() %}
        ({{ expression }})::numeric as {{ name }},
        {%- endfor %}
        school_characteristics.school_id,
        school_characteristics.academic_year,
        school.national_phase as phase
    from school_characteristics
    inner join school
        on school_characteristics.school_id = school.school_id
    inner join school_year
        on
            school_characteristics.school_id = school_year.school_id
            and school_characteristics.academic_year = school_year.academic_year
    where school.state = 'approved' and school.national_phase is not null and school_year.possible_sessions > 0

),

given as (

    select
        {%- for name in inputs %}
        max(weight) filter (where input = '{{ name }}') as {{ name }}_weight,
        max(standard_deviation) filter (where input = '{{ name }}') as {{ name }}_deviation,
        {%- endfor %}
        phase
    from similarity_input
    group by phase

),

pool as (

    select
        {%- for name in inputs %}
        nullif(stddev_pop({{ name }}), 0) as {{ name }}_deviation,
        {%- endfor %}
        academic_year,
        phase,
        count(*) as pool_schools
    from measured
    group by academic_year, phase

),

standard as (

    select
        {%- for name in inputs %}
        measured.{{ name }} / coalesce(given.{{ name }}_deviation, pool.{{ name }}_deviation) as {{ name }}_z,
        given.{{ name }}_weight,
        {%- endfor %}
        measured.school_id,
        measured.academic_year,
        measured.phase,
        pool.pool_schools
    from measured
    inner join pool
        on
            measured.academic_year = pool.academic_year
            and measured.phase = pool.phase
    inner join given
        on measured.phase = given.phase

),

compared as (

    select
        one.school_id,
        one.academic_year,
        one.phase,
        one.pool_schools,
        other.school_id as neighbour_school_id,
        {%- for name in inputs %}
        coalesce(one.{{ name }}_weight * (one.{{ name }}_z - other.{{ name }}_z) ^ 2, 0) +
        {%- endfor %}
        0 as squares,
        {%- for name in inputs %}
        case when one.{{ name }}_z + other.{{ name }}_z is not null then one.{{ name }}_weight else 0 end +
        {%- endfor %}
        0 as weights,
        concat_ws(
            ', ',
            {%- for name in inputs %}
            case when one.{{ name }}_z is not null and other.{{ name }}_z is not null then '{{ name }}' end
            {{- ',' if not loop.last }}
            {%- endfor %}
        ) as inputs
    from standard as one
    inner join standard as other
        on
            one.academic_year = other.academic_year
            and one.phase = other.phase
            and one.school_id <> other.school_id

),

ranked as (

    select
        compared.*,
        row_number() over (
            partition by compared.school_id, compared.academic_year
            order by compared.squares / compared.weights, compared.neighbour_school_id
        ) as place
    from compared
    where compared.weights > 0

)

select
    school_id,
    academic_year,
    place::integer as rank,
    neighbour_school_id,
    round(sqrt(squares / weights), 6)::numeric(12, 6) as distance,
    least(pool_schools - 1, {{ var('similar_schools') }})::integer as k,
    phase,
    pool_schools::integer as pool_schools,
    inputs
from ranked
where place <= {{ var('similar_schools') }}
