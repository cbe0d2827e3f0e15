with

pupil as (

    select * from {{ ref('pupil') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

version as (

    select * from {{ ref('snapshot__pupil_upn') }}

),

person_by_upn as (

    select * from {{ ref('person_by_upn') }}

),

person_by_name as (

    select * from {{ ref('person_by_name') }}

),

first_seen as (

    select
        enrolment.school_id,
        enrolment.pupil_key,
        min(version.known_from) as first_seen_at
    from enrolment
    inner join version
        on
            enrolment.school_id = version.school_id
            and enrolment.pupil_id = version.pupil_id
    group by enrolment.school_id, enrolment.pupil_key

),

-- A name tells of its party as a whole.
renamed as (

    select distinct
        label,
        person_label
    from person_by_name
    where person_label <> label

),

labelled as (

    select
        pupil.school_id,
        pupil.pupil_key,
        {{ pupil_label('pupil') }} as own_label,
        coalesce(person_by_upn.label, {{ pupil_label('pupil') }}) as number_label,
        coalesce(renamed.person_label, person_by_upn.label, {{ pupil_label('pupil') }}) as label
    from pupil
    left join person_by_upn
        on
            pupil.school_id = person_by_upn.school_id
            and pupil.pupil_key = person_by_upn.pupil_key
    left join renamed
        on coalesce(person_by_upn.label, {{ pupil_label('pupil') }}) = renamed.label

),

-- Two names of one person may each bring a pupil of the same school.
overfull as (

    select label
    from labelled
    group by label
    having count(*) > count(distinct school_id)

),

settled as (

    select
        labelled.school_id,
        labelled.pupil_key,
        labelled.own_label,
        case when overfull.label is null then labelled.label else labelled.number_label end as label
    from labelled
    left join overfull
        on labelled.label = overfull.label

),

founded as (

    select
        settled.school_id,
        settled.pupil_key,
        first_value(settled.own_label) over (
            partition by settled.label
            order by first_seen.first_seen_at nulls last, settled.school_id, settled.pupil_key
        ) as founder,
        count(*) over (partition by settled.label) as records
    from settled
    left join first_seen
        on
            settled.school_id = first_seen.school_id
            and settled.pupil_key = first_seen.pupil_key

)

select
    school_id,
    pupil_key,
    -- 60 bits of the founder's hash: of ten million people two share them with probability 4e-5, with the 48 of a
    -- pupil_key, which stands beside its school, with 0.16. Not a hash of the UPN: who knows one could look it up.
    ('x' || substr(md5(founder), 1, 15))::bit(60)::bigint as person_key,
    records::integer as records
from founded
