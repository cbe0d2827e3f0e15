with

pupil as (

    select * from {{ ref('pupil') }}

),

prior_attainment as (

    select * from {{ ref('prior_attainment') }}

),

line as (

    select
        prior_attainment.*,
        -- A measure without words here is shown by its name rather than not at all.
        coalesce(measure.item, prior_attainment.prior_measure) as item,
        measure.unit
    from prior_attainment
    inner join pupil
        on
            prior_attainment.school_id = pupil.school_id
            and prior_attainment.pupil_key = pupil.pupil_key
    left join (
        values
        ('ks2_mean', 'KS2: mean of reading and mathematics', 'scaled score'),
        ('ks4_mean', 'GCSEs and equivalents: mean points', 'points'),
        ('ks1_mean', 'KS1: mean of reading, writing and mathematics', 'points'),
        ('ks1', 'KS1: judgements in reading and mathematics', 'place, 1 to 7'),
        ('standardised_test', 'Standardised tests: mean', 'standardised score'),
        ('teacher_assessment', 'Teachers: judgements in reading and mathematics', 'place, 1 to 7'),
        ('school', 'The school: mean KS2 of its pupils', 'scaled score'),
        ('national', 'The nation', null)
    ) as measure (prior_measure, item, unit)
        on prior_attainment.prior_measure = measure.prior_measure
    where pupil.is_on_roll

)

select
    school_id,
    pupil_key,
    'prior attainment' as section,
    {{ explorer_position('stage, place', within='school_id, pupil_key') }},
    null::integer as academic_year,
    null::text as qualification,
    null::text as subject,
    item,
    -- The nation's distributions are numbered, which says nothing.
    case when prior_measure = 'national' then basis else {{ printed_points('prior_value') }} end as value,
    case when prior_measure <> 'national' then prior_value::double precision end as number,
    unit,
    as_of,
    basis as note
from line
