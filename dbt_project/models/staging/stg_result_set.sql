with

source as (

    select * from {{ source('raw', 'result_set') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        result_set_id,
        name as result_set,
        start_date,
        end_date
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
