with

teaching_group as (

    select * from {{ ref('teaching_group') }}

),

group_pupil as (

    select * from {{ ref('group_pupil') }}

),

subject as (

    select * from {{ ref('subject') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

school as (

    select * from {{ ref('school') }}

),

current_year as (

    select * from {{ ref('current_year') }}

),

nc_year as (

    select * from {{ ref('nc_year') }}

),

taught_subject as (

    select * from {{ ref('taught_subject') }}

),

on_roll as (

    select
        pupil.school_id,
        pupil.pupil_key,
        pupil.nc_year,
        nc_year.key_stage,
        current_year.academic_year
    from pupil
    inner join current_year
        on pupil.school_id = current_year.school_id
    left join nc_year
        on pupil.nc_year = nc_year.nc_year
    where pupil.is_on_roll

),

in_class as (

    select
        on_roll.school_id,
        on_roll.pupil_key,
        on_roll.academic_year,
        coalesce(on_roll.key_stage, group_year.key_stage, 'not known') as key_stage,
        subject.subject_name as taught_subject,
        teaching_group.group_id
    from on_roll
    inner join group_pupil
        on
            on_roll.school_id = group_pupil.school_id
            and on_roll.pupil_key = group_pupil.pupil_key
    inner join teaching_group
        on
            group_pupil.school_id = teaching_group.school_id
            and group_pupil.group_id = teaching_group.group_id
            and on_roll.academic_year = coalesce(teaching_group.academic_year, on_roll.academic_year)
    inner join subject
        on
            teaching_group.school_id = subject.school_id
            and teaching_group.subject_id = subject.subject_id
    left join nc_year as group_year
        on teaching_group.nc_year = group_year.nc_year
    where teaching_group.group_kind = 'CLASS' and subject.subject_name is not null

),

for_all as (

    select distinct
        school.school_id,
        taught_subject.key_stage
    from school
    inner join taught_subject
        on taught_subject.laestab in ('*', school.laestab)
    where taught_subject.taught_subject = '*'

)

select
    school_id,
    pupil_key,
    academic_year,
    key_stage,
    taught_subject,
    array_agg(distinct group_id order by group_id) as group_ids
from in_class
group by school_id, pupil_key, academic_year, key_stage, taught_subject
union all
select
    on_roll.school_id,
    on_roll.pupil_key,
    on_roll.academic_year,
    on_roll.key_stage,
    '*' as taught_subject,
    array[]::text[] as group_ids
from on_roll
inner join for_all
    on
        on_roll.school_id = for_all.school_id
        and on_roll.key_stage = for_all.key_stage
