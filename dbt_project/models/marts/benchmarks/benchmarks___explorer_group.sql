with

pupil as (

    select * from {{ ref('pupil') }}

),

group_pupil as (

    select * from {{ ref('group_pupil') }}

),

teaching_group as (

    select * from {{ ref('teaching_group') }}

),

subject as (

    select * from {{ ref('subject') }}

),

current_year as (

    select * from {{ ref('current_year') }}

),

member as (

    select
        pupil.school_id,
        pupil.pupil_key,
        teaching_group.group_id,
        teaching_group.group_kind,
        coalesce(teaching_group.group_name, teaching_group.group_code, teaching_group.group_id) as group_name,
        current_year.academic_year,
        subject.subject_name
    from pupil
    inner join group_pupil
        on
            pupil.school_id = group_pupil.school_id
            and pupil.pupil_key = group_pupil.pupil_key
    inner join teaching_group
        on
            group_pupil.school_id = teaching_group.school_id
            and group_pupil.group_id = teaching_group.group_id
    left join current_year
        on pupil.school_id = current_year.school_id
    left join subject
        on
            teaching_group.school_id = subject.school_id
            and teaching_group.subject_id = subject.subject_id
    where
        pupil.is_on_roll
        and coalesce(teaching_group.academic_year = current_year.academic_year, true)

)

select
    school_id,
    pupil_key,
    'group' as section,
    {{ explorer_position(
        'group_kind desc nulls last, subject_name asc, group_name asc, group_id asc',
        within='school_id, pupil_key'
    ) }},
    academic_year,
    null::text as qualification,
    subject_name as subject,
    case group_kind when 'REGISTRATION' then 'Registration group' else 'Teaching group' end as item,
    group_name as value,
    null::double precision as number,
    null::text as unit,
    null::date as as_of,
    null::text as note
from member
