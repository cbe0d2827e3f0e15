with

source as (

    select * from {{ source('raw', 'group_pupil') }}

),

renamed as (

    select
        school_id,
        group_id,
        pupil_id
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
