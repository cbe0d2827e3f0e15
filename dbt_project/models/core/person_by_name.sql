with

pupil as (

    select * from {{ ref('pupil') }}

),

pupil_name as (

    select * from {{ ref('pupil_name') }}

),

pupil_upn as (

    select * from {{ ref('pupil_upn') }}

),

enrolment as (

    select * from {{ ref('enrolment') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

person_by_upn as (

    select * from {{ ref('person_by_upn') }}

),

numbered as (

    select distinct
        school_id,
        pupil_key
    from pupil_upn
    where is_permanent

),

named as (

    select
        pupil.school_id,
        pupil.pupil_key,
        pupil.date_of_birth,
        pupil.sex,
        pupil.is_part_time,
        {{ letters_only('coalesce(pupil_name.legal_forename, pupil_name.forename)') }} as forename,
        {{ letters_only('coalesce(pupil_name.legal_surname, pupil_name.surname)') }} as surname,
        numbered.pupil_key is not null as has_number,
        coalesce(person_by_upn.label, {{ pupil_label('pupil') }}) as label,
        person_by_upn.contradiction
    from pupil
    inner join pupil_name
        on
            pupil.school_id = pupil_name.school_id
            and pupil.pupil_key = pupil_name.pupil_key
    left join numbered
        on
            pupil.school_id = numbered.school_id
            and pupil.pupil_key = numbered.pupil_key
    left join person_by_upn
        on
            pupil.school_id = person_by_upn.school_id
            and pupil.pupil_key = person_by_upn.pupil_key
    where pupil.date_of_birth is not null

),

-- Of one name and birth, everywhere.
namesake as (

    select
        forename,
        surname,
        date_of_birth,
        count(distinct label) as parties,
        count(distinct label) filter (where has_number) as numbered_parties,
        count(distinct sex) as sexes,
        count(*) > count(distinct school_id) as is_in_one_school_twice,
        bool_or(contradiction is not null) as is_contradicted
    from named
    where forename <> '' and surname <> ''
    group by forename, surname, date_of_birth
    having count(*) > 1 and min(label) < max(label)

),

member as (

    select
        named.school_id,
        named.pupil_key,
        named.forename,
        named.surname,
        named.date_of_birth,
        named.is_part_time,
        named.label,
        named.has_number,
        namesake.parties,
        namesake.numbered_parties,
        namesake.sexes,
        namesake.is_in_one_school_twice,
        namesake.is_contradicted
    from named
    inner join namesake
        on
            named.forename = namesake.forename
            and named.surname = namesake.surname
            and named.date_of_birth = namesake.date_of_birth

),

-- Nobody is registered full time at two schools, unless one of them says that the other is the main one.
overlapping as (

    select distinct
        one.forename,
        one.surname,
        one.date_of_birth
    from member as one
    inner join member as other
        on
            one.forename = other.forename
            and one.surname = other.surname
            and one.date_of_birth = other.date_of_birth
            and one.label < other.label
    inner join enrolment as at_one
        on
            one.school_id = at_one.school_id
            and one.pupil_key = at_one.pupil_key
    inner join enrolment as at_other
        on
            other.school_id = at_other.school_id
            and other.pupil_key = at_other.pupil_key
    left join characteristics as of_one
        on
            one.school_id = of_one.school_id
            and one.pupil_key = of_one.pupil_key
    left join characteristics as of_other
        on
            other.school_id = of_other.school_id
            and other.pupil_key = of_other.pupil_key
    where
        coalesce(of_one.enrolment_status, 'C') in ('C', 'M', 'P')
        and coalesce(of_other.enrolment_status, 'C') in ('C', 'M', 'P')
        and not coalesce(one.is_part_time, false) and not coalesce(other.is_part_time, false)
        and coalesce(at_one.start_date, date '1900-01-01') <= {{ last_day('at_other') }}
        and coalesce(at_other.start_date, date '1900-01-01') <= {{ last_day('at_one') }}

),

judged as (

    select
        member.school_id,
        member.pupil_key,
        member.forename,
        member.surname,
        member.date_of_birth,
        member.label,
        member.has_number,
        case
            when member.is_in_one_school_twice then 'same names in one school'
            when member.numbered_parties > 1 then 'two permanent UPNs'
            when member.parties > 2 then 'more than two of these names'
            when member.sexes > 1 then 'sex differs'
            when overlapping.forename is not null then 'on roll at both schools'
            when member.is_contradicted then 'contradicted by UPN'
        end as contradiction
    from member
    left join overlapping
        on
            member.forename = overlapping.forename
            and member.surname = overlapping.surname
            and member.date_of_birth = overlapping.date_of_birth

),

-- The two parties of a name; the one with a number, if any, is whom the other one is.
paired as (

    select
        forename,
        surname,
        date_of_birth,
        min(label) as one_label,
        max(label) as other_label,
        coalesce(min(label) filter (where has_number), min(label)) as person_label
    from judged
    where contradiction is null
    group by forename, surname, date_of_birth

),

-- A party without a number that is two others by two names of its own would pull these into one.
party as (

    select
        side.label,
        count(distinct case when side.label = paired.one_label then paired.other_label else paired.one_label end)
            as partners,
        min(paired.person_label) as person_label
    from paired
    cross join lateral (values (paired.one_label), (paired.other_label)) as side (label)
    group by side.label

),

ambiguous as (

    select label
    from party
    where
        partners > 1
        and not exists (
            select 1 from named
            where party.label = named.label and named.has_number
        )

)

select distinct on (judged.school_id, judged.pupil_key)
    judged.school_id,
    judged.pupil_key,
    judged.forename,
    judged.surname,
    judged.date_of_birth,
    judged.label,
    case
        when judged.contradiction is null and one_side.label is null and other_side.label is null
            then paired.person_label
    end as person_label,
    coalesce(
        judged.contradiction,
        case when one_side.label is not null or other_side.label is not null then 'more than two of these names' end
    ) as contradiction
from judged
left join paired
    on
        judged.forename = paired.forename
        and judged.surname = paired.surname
        and judged.date_of_birth = paired.date_of_birth
left join ambiguous as one_side
    on paired.one_label = one_side.label
left join ambiguous as other_side
    on paired.other_label = other_side.label
order by judged.school_id, judged.pupil_key
