with

source as (

    select * from {{ source('raw', 'teaching_group') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        group_id,
        kind as group_kind,
        code as group_code,
        name as group_name,
        subject_id,
        upper(nc_year) as nc_year,
        case
            when academic_year ~ '^[0-9]{4}/[0-9]{4}$'
                then (left(academic_year, 4) || right(academic_year, 2))::integer
        end as academic_year
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
