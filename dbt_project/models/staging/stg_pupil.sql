with

source as (

    select * from {{ source('raw', 'pupil') }}

),

withdrawn as (

    select * from {{ source('ops', 'withdrawn_school') }}

),

renamed as (

    select
        school_id,
        pupil_id,
        coalesce(person_id, pupil_id) as person_id,
        mis_id,
        forename,
        middle_names,
        surname,
        legal_forename,
        legal_surname,
        sex,
        date_of_birth,
        upper(upn) as upn,
        upper(former_upn) as former_upn,
        uln,
        admission_number,
        upper(nc_year) as nc_year,
        part_time as is_part_time,
        admission_date as start_date,
        leaving_date as end_date,
        address_line,
        town,
        county,
        postcode,
        coalesce(is_leaver, false) as is_leaver
    from source
    where removed_at is null and school_id not in (select withdrawn.school_id from withdrawn)

)

select * from renamed
