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

custom_code as (

    select * from {{ ref('custom_attendance_code') }}

),

code_type as (

    select * from {{ ref('attendance_code_type') }}

),

letter as (

    {{ letter_rows() }}

),

-- One row a code; the partner may list it twice.
own as (

    select distinct on (school_id, code)
        school_id,
        code,
        coalesce(description, code) as description,
        upper(code_type) as code_type
    from own_code
    where code is not null
    order by school_id, code, code_id

),

-- What the operator says goes before the partner's type and before the letter; for one school before for all.
mapping as (

    select distinct on (school.school_id, custom_code.code)
        school.school_id,
        custom_code.code,
        custom_code.standard_code
    from school
    inner join custom_code
        on custom_code.laestab in (school.laestab, '*')
    where custom_code.code not in ('-', '?')
    order by school.school_id asc, custom_code.code asc, custom_code.laestab = '*' asc

),

mapped as (

    select
        mapping.school_id,
        mapping.code,
        standard_code.valid_from,
        standard_code.valid_to,
        coalesce(own.description, standard_code.description) as description,
        standard_code.meaning,
        standard_code.code as standard_code
    from mapping
    inner join standard_code
        on mapping.standard_code = standard_code.code
    left join own
        on
            mapping.school_id = own.school_id
            and mapping.code = own.code

),

-- A letter of a school with codes of its own may mean anything: there the partner's type decides, not the letter.
typed as (

    select
        own.school_id,
        own.code,
        date '1900-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        own.description,
        code_type.meaning,
        own.code as standard_code
    from own
    inner join school
        on own.school_id = school.school_id
    inner join code_type
        on own.code_type = code_type.code_type
    left join mapping
        on
            own.school_id = mapping.school_id
            and own.code = mapping.code
    where school.has_custom_codes and own.code not in ('-', '?') and mapping.code is null

),

standard as (

    select
        school.school_id,
        standard_code.code,
        standard_code.valid_from,
        standard_code.valid_to,
        standard_code.description,
        standard_code.meaning,
        standard_code.code as standard_code
    from school
    cross join standard_code
    left join mapping
        on
            school.school_id = mapping.school_id
            and standard_code.code = mapping.code
    where (not school.has_custom_codes or standard_code.code in ('-', '?')) and mapping.code is null

),

code as (

    select * from mapped
    union all
    select * from typed
    union all
    select * from standard

)

select
    code.school_id,
    code.code,
    code.valid_from,
    code.valid_to,
    code.description,
    code.meaning,
    own_letter.code as standard_code,
    coalesce(own_letter.letter, meaning_letter.letter) as letter
from code
-- A school's own code counts as the standard code of the same name only where both mean the same.
left join letter as own_letter
    on
        code.standard_code = own_letter.code
        and code.meaning = own_letter.meaning
inner join letter as meaning_letter
    on
        code.meaning = meaning_letter.meaning
        and (meaning_letter.code is null or code.meaning = 'covid')
