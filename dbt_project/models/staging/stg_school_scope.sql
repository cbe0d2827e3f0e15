with

source as (

    select * from {{ source('ops', 'school_scope') }}

),

renamed as (

    select
        school_id,
        scope,
        granted as is_granted
    from source

)

select * from renamed
