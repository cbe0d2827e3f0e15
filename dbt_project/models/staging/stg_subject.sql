with

source as (

    select * from {{ source('raw', 'subject') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        subject_id,
        code as subject_code,
        name as subject_name,
        active as is_active
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
