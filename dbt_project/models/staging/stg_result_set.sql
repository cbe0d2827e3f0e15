with

source as (

    select * from {{ source('raw', 'result_set') }}

),

renamed as (

    select
        school_id,
        result_set_id,
        name as result_set,
        start_date,
        end_date
    from source
    where removed_at is null and {{ not_withdrawn() }}

)

select * from renamed
