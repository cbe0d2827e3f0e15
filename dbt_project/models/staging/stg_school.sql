with

source as (

    select * from {{ source('ops', 'school') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

phase as (

    select * from {{ ref('school_phase') }}

),

renamed as (

    select
        source.school_id,
        source.name as school_name,
        source.urn,
        source.la_code,
        source.laestab,
        phase.phase,
        phase.national_phase,
        source.mis,
        source.state,
        source.has_custom_codes
    from source
    left join phase
        on upper(replace(source.phase, '-', ' ')) = phase.partner_phase
    where source.school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
