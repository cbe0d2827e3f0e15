with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

pupil_taught as (

    select * from {{ ref('pupil_taught') }}

),

subject_mapping as (

    select * from {{ ref('subject_mapping') }}

)

select
    school_id,
    pupil_key,
    academic_year,
    qualification,
    subject,
    gap,
    case gap
        when 'no look-up of the qualification'
            then 'No reference with this qualification is in use: mis estimates shows which are.'
        when 'no prior attainment'
            then 'Enter the pupil''s results of the stage before in the MIS, or a test that the look-up knows.'
        else 'No figures exist at this prior attainment; none are made up.'
    end as what_to_do
from pupil_subject
where gap is not null
union all
select
    pupil_taught.school_id,
    pupil_taught.pupil_key,
    pupil_taught.academic_year,
    'not known' as qualification,
    pupil_taught.taught_subject as subject,
    'subject not mapped' as gap,
    'Add the subject to the seed taught_subject, with the qualification it leads to or none.' as what_to_do
from pupil_taught
inner join subject_mapping
    on
        pupil_taught.school_id = subject_mapping.school_id
        and pupil_taught.key_stage = subject_mapping.key_stage
        and pupil_taught.taught_subject = subject_mapping.taught_subject
where subject_mapping.mapping = 'not mapped'
