with

attainment as (

    select * from {{ ref('attainment') }}

)

select
    school_id,
    coalesce(aspect, 'not known') as aspect,
    -- One row an aspect that is not mapped, whatever its grades.
    case when mapping = 'aspect not mapped' then 'any' else coalesce(result_value, 'none') end as grade,
    mapping,
    count(*)::integer as results,
    max(result_date) as last_result_date
from attainment
where mapping not in ('mapped', 'not attainment')
group by
    school_id, aspect, mapping,
    case when mapping = 'aspect not mapped' then 'any' else coalesce(result_value, 'none') end
