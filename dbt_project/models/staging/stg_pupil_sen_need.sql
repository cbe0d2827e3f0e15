with

source as (

    select * from {{ source('raw', 'pupil_sen_need') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        need_id,
        need_type,
        rank,
        start_date,
        end_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
