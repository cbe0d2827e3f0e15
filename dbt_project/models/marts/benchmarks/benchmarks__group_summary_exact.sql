{{ config(pre_hook='{{ by_hash() }}') }}

{%- set pupil_key = ['school_id', 'pupil_key', 'academic_year', 'year_group'] %}
{%- set person = pupil_key + ['population', 'source', 'challenge'] %}
with

studied as (

    select * from {{ ref('benchmarks___entry') }}

),

estimate_basis as (

    select * from {{ ref('benchmarks__estimate_basis') }}

),

prior_attainment as (

    select * from {{ ref('prior_attainment') }}

),

pupil as (

    select * from {{ ref('benchmarks__pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

attribute_permission as (

    select * from {{ ref('attribute_permission') }}

),

null_word as (

    {{ null_words() }}

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
        expected_points,
        {{ chance_of_points('estimate_basis', 4) }} as chance_4,
        {{ chance_of_points('estimate_basis', 5) }} as chance_5,
        {{ chance_of_points('estimate_basis', 100) }} as chance_expected_standard
    from estimate_basis

),

-- GCSEs that are sat again after Year 11 are not of a cohort at the end of KS4.
entered as (

    select
        studied.*,
        basis.stage
    from studied
    inner join (
        select distinct
            basis_key,
            stage
        from estimate_basis
    ) as basis
        on studied.basis_key = basis.basis_key
    where
        (basis.stage = 'ks2_ks4' and studied.year_group in ('7', '8', '9', '10', '11'))
        or basis.stage = 'ks1_ks2'

),

-- What is aimed at and what is reached has one grade: the chance of reaching so much is 1 or 0.
entry as (

    select
        {%- for name in pupil_key %}
        entered.{{ name }},
        {%- endfor %}
        counted.population,
        'estimate' as source,
        reach.challenge,
        entered.qualification,
        entered.subject,
        entered.stage,
        reach.expected_points as points,
        reach.chance_4,
        reach.chance_5,
        reach.chance_expected_standard
    from entered
    inner join reach
        on entered.basis_key = reach.basis_key
    cross join
        lateral (
            values
            ('estimated', true),
            ('targeted', entered.target_points is not null),
            ('assessed', entered.current_points is not null)
        ) as counted (population, is_counted)
    where counted.is_counted
    union all
    select
        {%- for name in pupil_key %}
        entered.{{ name }},
        {%- endfor %}
        attained.population,
        attained.source,
        0 as challenge,
        entered.qualification,
        entered.subject,
        entered.stage,
        attained.points,
        (attained.points >= 4)::integer as chance_4,
        (attained.points >= 5)::integer as chance_5,
        (attained.points >= 100)::integer as chance_expected_standard
    from entered
    cross join
        lateral (
            values
            ('target', 'targeted', entered.target_points),
            ('current', 'assessed', entered.current_points)
        ) as attained (source, population, points)
    where attained.points is not null

),

gcse as (

    select * from entry
    where stage = 'ks2_ks4'

),

{{ attainment8('gcse', person) }},

-- English is the better of language and literature.
core_subject as (

    select
        {%- for name in person %}
        entry.{{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
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
    group by
        entry.school_id, entry.pupil_key, entry.academic_year, entry.year_group, entry.population, entry.source,
        entry.challenge

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
        {{ prior_band('prior_value') }} as band
    from prior_attainment
    where prior_measure = 'ks2_mean'

),

pupil_group as (

    select
        pupil.school_id,
        pupil.pupil_key,
        pupil_group.group_name,
        pupil_group.group_value
    from pupil
    left join characteristics
        on
            pupil.school_id = characteristics.school_id
            and pupil.pupil_key = characteristics.pupil_key
    left join prior_band
        on
            pupil.school_id = prior_band.school_id
            and pupil.pupil_key = prior_band.pupil_key
    left join null_word
        on pupil.school_id = null_word.school_id
    cross join lateral (
        values
        ('all', 'all'),
        ('sex', {{ group_value('pupil.sex', 'sex') }}),
        ('fsm6', {{ group_value('characteristics.is_fsm6', 'fsm6') }}),
        ('disadvantaged', {{ group_value('characteristics.is_disadvantaged', 'disadvantaged') }}),
        ('sen', {{ group_value('characteristics.sen_status', 'sen') }}),
        ('eal', {{ group_value('characteristics.is_eal', 'eal') }}),
        ('looked_after', {{ group_value('characteristics.is_looked_after', 'looked_after') }}),
        ('prior_attainment', coalesce(prior_band.band, 'not known'))
    ) as pupil_group (group_name, group_value)

),

-- How far a pupil's entries are the same in two populations: whose differ in one alone comes out by subtraction.
overlap as (

    select
        {{ pupil_key | join(', ') }},
        count(target_points) > 0 as is_targeted,
        count(current_points) > 0 as is_assessed,
        count(target_points) < count(*) as differs_targeted,
        count(current_points) < count(*) as differs_assessed,
        bool_or((target_points is null) <> (current_points is null)) as differs_between
    from entered
    group by {{ pupil_key | join(', ') }}

),

size as (

    select
        overlap.school_id,
        overlap.academic_year,
        overlap.year_group,
        pupil_group.group_name,
        pupil_group.group_value,
        count(*) as estimated,
        count(*) filter (where overlap.is_targeted) as targeted,
        count(*) filter (where overlap.is_assessed) as assessed,
        count(*) filter (where overlap.is_targeted and overlap.is_assessed) as targeted_and_assessed,
        nullif(count(*) filter (where overlap.differs_targeted), 0) as differ_targeted,
        nullif(count(*) filter (where overlap.differs_assessed), 0) as differ_assessed,
        nullif(count(*) filter (where overlap.differs_between), 0) as differ_between
    from overlap
    inner join pupil_group
        on
            overlap.school_id = pupil_group.school_id
            and overlap.pupil_key = pupil_group.pupil_key
    group by
        overlap.school_id, overlap.academic_year, overlap.year_group, pupil_group.group_name, pupil_group.group_value

),

-- What subtracting populations would tell, as long as both are published.
told_apart as materialized (

    select
        shown.school_id,
        shown.academic_year,
        shown.year_group,
        shown.group_name,
        shown.group_value,
        shown.targeted_apart,
        least(
            shown.differ_assessed,
            nullif(shown.differ_between * shown.is_shown, 0),
            {{ fewest_told_apart(
                'shown.estimated', 'shown.targeted * shown.is_shown', 'shown.assessed',
                'shown.targeted_and_assessed * shown.is_shown'
            ) }}
        ) as assessed_apart
    from (
        select
            size.*,
            of_targets.targeted_apart,
            ({{ is_small('of_targets.targeted_apart', 'suppression_minimum_enrolments') }} is not true)::integer
                as is_shown
        from size
        cross join lateral (
            select
                least(
                    size.differ_targeted, {{ fewest_told_apart('size.estimated', 'size.targeted', '0', '0') }}
                ) as targeted_apart
        ) as of_targets
    ) as shown

),

person as (

    select
        {%- for name in person %}
        core_subject.{{ name }},
        {%- endfor %}
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
        core_subject.ks2_mathematics
    from core_subject
    cross join weight
    left join attainment8
        on
        {%- for name in person %}
            {{ 'and ' if not loop.first }}core_subject.{{ name }} = attainment8.{{ name }}
        {%- endfor %}

),

grouped as (

    select
        person.school_id,
        person.academic_year,
        person.year_group,
        pupil_group.group_name,
        pupil_group.group_value,
        person.challenge,
        person.source,
        person.population,
        count(*) as pupils,
        avg(person.attainment8) as attainment8,
        avg(person.slots_filled) as slots_filled,
        count(*) filter (where person.has_english_mathematics) as english_mathematics_pupils,
        avg(person.english_mathematics_4) as english_mathematics_4,
        avg(person.english_mathematics_5) as english_mathematics_5,
        avg(person.ks2_reading) as ks2_reading,
        avg(person.ks2_mathematics) as ks2_mathematics
    from person
    inner join pupil_group
        on
            person.school_id = pupil_group.school_id
            and person.pupil_key = pupil_group.pupil_key
    group by
        person.school_id, person.academic_year, person.year_group, pupil_group.group_name, pupil_group.group_value,
        person.challenge, person.source, person.population

)

select
    grouped.school_id,
    grouped.academic_year,
    grouped.year_group,
    grouped.group_name,
    grouped.group_value,
    grouped.challenge::numeric(5, 2) as challenge,
    grouped.source,
    grouped.population,
    grouped.pupils::integer as pupils,
    (
        case grouped.population
            when 'targeted' then told_apart.targeted_apart
            when 'assessed' then told_apart.assessed_apart
        end
    )::integer as apart_pupils,
    grouped.attainment8::numeric(6, 3) as attainment8,
    grouped.slots_filled::numeric(5, 3) as slots_filled,
    grouped.english_mathematics_pupils::integer as english_mathematics_pupils,
    (100 * grouped.english_mathematics_4)::numeric(7, 4) as english_mathematics_4_percent,
    (100 * grouped.english_mathematics_5)::numeric(7, 4) as english_mathematics_5_percent,
    (100 * grouped.ks2_reading)::numeric(7, 4) as ks2_reading_percent,
    (100 * grouped.ks2_mathematics)::numeric(7, 4) as ks2_mathematics_percent
from grouped
inner join told_apart
    on
        grouped.school_id = told_apart.school_id
        and grouped.academic_year = told_apart.academic_year
        and grouped.year_group = told_apart.year_group
        and grouped.group_name = told_apart.group_name
        and grouped.group_value = told_apart.group_value
