with

group_member as (

    select * from {{ ref('group_member') }}

)

select
    school_id,
    academic_year,
    -- A sum, for the order of pupils must not matter; each row's hash has the pupil's key in it. The register's own
    -- hash stands for the marks.
    (
        max(register_fingerprint)
        + sum(hashtextextended(concat_ws('|', pupil_key, {{ group_columns() }}), 0))
    )::numeric(38) as fingerprint
from group_member
group by school_id, academic_year
