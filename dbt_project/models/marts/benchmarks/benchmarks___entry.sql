with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

target_version as (

    select * from {{ ref('target_version') }}

),

current_assessment as (

    select * from {{ ref('current_assessment') }}

),

standing_target as (

    select * from target_version
    where is_current and status <> 'superseded'

)

select
    pupil_subject.school_id,
    pupil_subject.pupil_key,
    pupil_subject.academic_year,
    pupil_subject.year_group,
    pupil_subject.qualification,
    pupil_subject.subject,
    pupil_subject.basis_key,
    standing_target.points as target_points,
    current_assessment.points as current_points
from pupil_subject
left join standing_target
    on
        pupil_subject.school_id = standing_target.school_id
        and pupil_subject.pupil_key = standing_target.pupil_key
        and pupil_subject.academic_year = standing_target.academic_year
        and pupil_subject.qualification = standing_target.qualification
        and pupil_subject.subject = standing_target.subject
left join current_assessment
    on
        pupil_subject.school_id = current_assessment.school_id
        and pupil_subject.pupil_key = current_assessment.pupil_key
        and pupil_subject.academic_year = current_assessment.academic_year
        and pupil_subject.qualification = current_assessment.qualification
        and pupil_subject.subject = current_assessment.subject
