with

source as (

    select * from {{ source('raw', 'pupil_sen_need') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

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
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
