with

source as (

    select * from {{ source('ops', 'school') }}

),

phase as (

    select * from {{ ref('school_phase') }}

),

renamed as (

    select
        source.school_id,
        source.name as school_name,
        source.partner,
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
        on upper(source.phase) = phase.partner_phase
    where {{ not_withdrawn() }}

)

select * from renamed
