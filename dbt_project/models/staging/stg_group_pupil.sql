with

source as (

    select * from {{ source('raw', 'group_pupil') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        group_id,
        pupil_id
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
