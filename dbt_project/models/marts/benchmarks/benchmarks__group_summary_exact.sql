{%- set person = ['school_id', 'pupil_key', 'academic_year', 'year_group', 'challenge'] %}
with

pupil_subject as (

    select * from {{ ref('benchmarks__pupil_subject') }}

),

estimate_basis as (

    select * from {{ ref('benchmarks__estimate_basis') }}

),

pupil as (

    select * from {{ ref('benchmarks__pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

attainment8_subject as (

    select * from {{ ref('attainment8_subject') }}

),

dependence as (

    select * from {{ ref('english_mathematics_dependence') }}

),

-- Chances of few rows, before many pupils stand on them.
reach as (

    select
        basis_key,
        challenge,
        stage,
        expected_points,
        {{ chance_of_points('estimate_basis', 4) }} as chance_4,
        {{ chance_of_points('estimate_basis', 5) }} as chance_5,
        {{ chance_of_points('estimate_basis', 100) }} as chance_expected_standard
    from estimate_basis

),

-- GCSEs that are sat again after Year 11 are not of a cohort at the end of KS4.
entry as (

    select
        pupil_subject.school_id,
        pupil_subject.pupil_key,
        pupil_subject.academic_year,
        pupil_subject.year_group,
        reach.challenge,
        pupil_subject.qualification,
        pupil_subject.subject,
        reach.stage,
        reach.expected_points as points,
        reach.chance_4,
        reach.chance_5,
        reach.chance_expected_standard
    from pupil_subject
    inner join reach
        on pupil_subject.basis_key = reach.basis_key
    where
        (reach.stage = 'ks2_ks4' and pupil_subject.year_group in ('7', '8', '9', '10', '11'))
        or reach.stage = 'ks1_ks2'

),

gcse as (

    select * from entry
    where stage = 'ks2_ks4'

),

{{ attainment8('gcse', person) }},

-- English is the better of language and literature.
core_subject as (

    select
        entry.school_id,
        entry.pupil_key,
        entry.academic_year,
        entry.year_group,
        entry.challenge
        {%- for threshold in [4, 5] %}
        {%- for element in ['english', 'mathematics'] %},
        max(entry.chance_{{ threshold }}) filter (where attainment8_subject.element = '{{ element }}')
            as {{ element }}_{{ threshold }}
        {%- endfor %}
        {%- endfor %},
        max(entry.chance_expected_standard)
        filter (where entry.stage = 'ks1_ks2' and entry.subject = 'Reading') as ks2_reading,
        max(entry.chance_expected_standard)
        filter (where entry.stage = 'ks1_ks2' and entry.subject = 'Mathematics') as ks2_mathematics
    from entry
    left join attainment8_subject
        on
            entry.qualification = attainment8_subject.qualification
            and entry.subject = attainment8_subject.subject
    group by entry.school_id, entry.pupil_key, entry.academic_year, entry.year_group, entry.challenge

),

weight as (

    select
        max(dependence) filter (where grade_points = 4)::double precision as dependence_4,
        max(dependence) filter (where grade_points = 5)::double precision as dependence_5
    from dependence

),

prior_band as (

    select
        school_id,
        pupil_key,
        {{ prior_band('max(prior_value)') }} as band
    from pupil_subject
    where prior_measure = 'ks2_mean'
    group by school_id, pupil_key

),

person as (

    select
        core_subject.school_id,
        core_subject.academic_year,
        core_subject.year_group,
        core_subject.challenge,
        attainment8.attainment8,
        attainment8.slots_filled,
        {%- for threshold in [4, 5] %}
        weight.dependence_{{ threshold }}
        * least(core_subject.english_{{ threshold }}, core_subject.mathematics_{{ threshold }})
        + (1 - weight.dependence_{{ threshold }})
        * core_subject.english_{{ threshold }} * core_subject.mathematics_{{ threshold }}
            as english_mathematics_{{ threshold }},
        {%- endfor %}
        core_subject.english_4 is not null and core_subject.mathematics_4 is not null as has_english_mathematics,
        core_subject.ks2_reading,
        core_subject.ks2_mathematics,
        pupil_group.group_name,
        pupil_group.group_value
    from core_subject
    cross join weight
    left join attainment8
        on
            core_subject.school_id = attainment8.school_id
            and core_subject.pupil_key = attainment8.pupil_key
            and core_subject.academic_year = attainment8.academic_year
            and core_subject.year_group = attainment8.year_group
            and core_subject.challenge = attainment8.challenge
    inner join pupil
        on
            core_subject.school_id = pupil.school_id
            and core_subject.pupil_key = pupil.pupil_key
    left join characteristics
        on
            core_subject.school_id = characteristics.school_id
            and core_subject.pupil_key = characteristics.pupil_key
    left join prior_band
        on
            core_subject.school_id = prior_band.school_id
            and core_subject.pupil_key = prior_band.pupil_key
    cross join lateral (
        values
        ('all', 'all'),
        ('sex', coalesce(pupil.sex, 'not known')),
        ('fsm6', coalesce(characteristics.is_fsm6::text, 'not known')),
        ('disadvantaged', coalesce(characteristics.is_disadvantaged::text, 'not known')),
        ('sen', coalesce(characteristics.sen_status, 'not known')),
        ('eal', coalesce(characteristics.is_eal::text, 'not known')),
        ('looked_after', coalesce(characteristics.is_looked_after::text, 'not known')),
        ('prior_attainment', coalesce(prior_band.band, 'not known'))
    ) as pupil_group (group_name, group_value)

)

select
    school_id,
    academic_year,
    year_group,
    group_name,
    group_value,
    challenge,
    'estimate' as source,
    count(*)::integer as pupils,
    avg(attainment8)::numeric(6, 3) as attainment8,
    avg(slots_filled)::numeric(5, 3) as slots_filled,
    (count(*) filter (where has_english_mathematics))::integer as english_mathematics_pupils,
    (100 * avg(english_mathematics_4))::numeric(7, 4) as english_mathematics_4_percent,
    (100 * avg(english_mathematics_5))::numeric(7, 4) as english_mathematics_5_percent,
    (100 * avg(ks2_reading))::numeric(7, 4) as ks2_reading_percent,
    (100 * avg(ks2_mathematics))::numeric(7, 4) as ks2_mathematics_percent
from person
group by school_id, academic_year, year_group, group_name, group_value, challenge
