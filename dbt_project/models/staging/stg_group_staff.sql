with

source as (

    select * from {{ source('raw', 'group_staff') }}

),

renamed as (

    select
        school_id,
        group_id,
        staff_id,
        is_main_teacher
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
