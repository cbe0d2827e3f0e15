with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

estimate_basis as (

    select * from {{ ref('benchmarks__estimate_basis') }}

)

select
    pupil_subject.school_id,
    pupil_subject.pupil_key,
    pupil_subject.academic_year,
    pupil_subject.qualification,
    pupil_subject.subject,
    estimate_basis.challenge,
    estimate_basis.stage,
    pupil_subject.year_group,
    pupil_subject.exam_year,
    estimate_basis.sex as sex_basis,
    estimate_basis.level,
    estimate_basis.subject as basis_subject,
    pupil_subject.prior_measure,
    pupil_subject.prior_value,
    estimate_basis.estimate_grade,
    estimate_basis.estimate_points,
    estimate_basis.chance,
    estimate_basis.chance_higher,
    estimate_basis.chance_lower,
    estimate_basis.expected_points,
    estimate_basis.points_sd,
    estimate_basis.standard_error,
    estimate_basis.grades,
    estimate_basis.points,
    estimate_basis.chances,
    estimate_basis.basis_n,
    estimate_basis.effective_n,
    estimate_basis.reliability,
    estimate_basis.method,
    estimate_basis.run_id,
    estimate_basis.reference_year,
    estimate_basis.release,
    estimate_basis.source,
    estimate_basis.caveat
from pupil_subject
inner join estimate_basis
    on pupil_subject.basis_key = estimate_basis.basis_key
