with

school as (

    select * from {{ ref('stg_school') }}

),

own_code as (

    select * from {{ ref('stg_attendance_code') }}

),

standard_code as (

    select * from {{ ref('standard_attendance_code') }}

),

code_type as (

    select * from {{ ref('attendance_code_type') }}

),

-- A letter of a school with codes of its own may mean anything: there the partner's type decides, not the letter.
custom as (

    select distinct on (own_code.school_id, own_code.code)
        own_code.school_id,
        own_code.code,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        coalesce(own_code.description, own_code.code) as description,
        code_type.meaning
    from own_code
    inner join school
        on own_code.school_id = school.school_id
    inner join code_type
        on upper(own_code.code_type) = code_type.code_type
    where school.has_custom_codes and own_code.code is not null
    order by own_code.school_id, own_code.code, own_code.code_id

),

standard as (

    select
        school.school_id,
        standard_code.code,
        standard_code.valid_from,
        standard_code.valid_to,
        standard_code.description,
        standard_code.meaning
    from school
    cross join standard_code
    where not school.has_custom_codes or standard_code.code in ('-', '?')

)

select
    school_id,
    code,
    valid_from,
    valid_to,
    description,
    meaning
from custom
where code not in ('-', '?')
union all
select
    school_id,
    code,
    valid_from,
    valid_to,
    description,
    meaning
from standard
