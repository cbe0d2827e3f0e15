with

pupil_taught as (

    select * from {{ ref('pupil_taught') }}

),

subject_mapping as (

    select * from {{ ref('subject_mapping') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

nc_year as (

    select * from {{ ref('nc_year') }}

),

studied as (

    select
        pupil_taught.school_id,
        pupil_taught.pupil_key,
        pupil_taught.academic_year,
        subject_mapping.qualification,
        subject_mapping.subject,
        subject_mapping.stage,
        subject_mapping.family,
        pupil_taught.group_ids
    from pupil_taught
    inner join subject_mapping
        on
            pupil_taught.school_id = subject_mapping.school_id
            and pupil_taught.key_stage = subject_mapping.key_stage
            and pupil_taught.taught_subject = subject_mapping.taught_subject
    where subject_mapping.mapping = 'mapped'

),

-- One row a group; a pupil whom all of a key stage stand for has a row without a group.
by_group as (

    select
        studied.school_id,
        studied.pupil_key,
        studied.academic_year,
        studied.qualification,
        studied.subject,
        studied.stage,
        studied.family,
        in_group.group_id
    from studied
    left join lateral unnest(studied.group_ids) as in_group (group_id)
        on true

),

one_row as (

    select
        school_id,
        pupil_key,
        academic_year,
        qualification,
        subject,
        min(stage) as stage,
        min(family) as family,
        coalesce(
            array_agg(distinct group_id order by group_id) filter (where group_id is not null), array[]::text[]
        ) as group_ids
    from by_group
    group by school_id, pupil_key, academic_year, qualification, subject

)

select
    one_row.school_id,
    one_row.pupil_key,
    one_row.academic_year,
    one_row.qualification,
    one_row.subject,
    one_row.stage,
    one_row.family,
    coalesce(nc_year.nc_year, 'not known') as year_group,
    -- A pupil beyond the last year of the stage is examined this year: GCSEs are sat again in the sixth form.
    (
        one_row.academic_year / 100 + 1
        + greatest({{ last_year_of_stage('one_row.stage') }} - nc_year.year_order, 0)
    )::smallint as exam_year,
    one_row.group_ids
from one_row
inner join pupil
    on
        one_row.school_id = pupil.school_id
        and one_row.pupil_key = pupil.pupil_key
left join nc_year
    on pupil.nc_year = nc_year.nc_year
