with

school as (

    select * from {{ ref('stg_school') }}

),

local_authority as (

    select * from {{ ref('local_authority') }}

),

school_trust as (

    select * from {{ ref('school_trust') }}

),

-- A code is never given twice; an authority that ended keeps its schools until the partner names another.
authority as (

    select distinct on (la_code)
        la_code,
        la_name,
        region_code,
        region_name
    from local_authority
    order by la_code asc, valid_to desc

),

trust as (

    select distinct on (urn)
        urn,
        trust_uid,
        trust_name
    from school_trust
    where valid_to = date '9999-12-31'
    order by urn asc, valid_from desc, trust_uid asc

)

select
    school.school_id,
    school.school_name,
    school.urn,
    school.la_code,
    school.laestab,
    school.phase,
    school.national_phase,
    school.mis,
    school.state,
    school.has_custom_codes,
    authority.la_name,
    authority.region_code,
    authority.region_name,
    trust.trust_uid,
    trust.trust_name
from school
left join authority
    on school.la_code = authority.la_code
left join trust
    on school.urn = trust.urn
