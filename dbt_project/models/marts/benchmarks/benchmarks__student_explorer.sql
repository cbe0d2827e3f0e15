with

explorer_pupil as (

    select * from {{ ref('benchmarks___explorer_pupil') }}

),

explorer_prior as (

    select * from {{ ref('benchmarks___explorer_prior') }}

),

explorer_estimate as (

    select * from {{ ref('benchmarks___explorer_estimate') }}

),

explorer_target as (

    select * from {{ ref('benchmarks___explorer_target') }}

),

explorer_attendance as (

    select * from {{ ref('benchmarks___explorer_attendance') }}

),

explorer_group as (

    select * from {{ ref('benchmarks___explorer_group') }}

),

explorer_result as (

    select * from {{ ref('benchmarks___explorer_result') }}

),

line as (
    {%- for part in ['pupil', 'prior', 'estimate', 'target', 'attendance', 'group', 'result'] %}
    {{ 'union all' if not loop.first }}
    select * from explorer_{{ part }}
    {%- endfor %}

)

select
    school_id,
    pupil_key,
    section,
    position,
    academic_year,
    qualification,
    subject,
    item,
    value,
    number,
    unit,
    as_of,
    note
from line
