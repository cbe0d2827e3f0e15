{%- set rounds = 4 -%}
with

pupil as (

    select * from {{ ref('pupil') }}

),

pupil_upn as (

    select * from {{ ref('pupil_upn') }}

),

-- A UPN alone is mistyped or given twice, a date of birth alone is shared by many.
held as (

    select
        pupil_upn.school_id,
        pupil_upn.pupil_key,
        pupil_upn.upn,
        pupil_upn.is_present,
        pupil_upn.is_permanent,
        pupil.date_of_birth,
        pupil.sex,
        {{ pupil_label('pupil_upn') }} as own_label,
        count(*) over (partition by pupil_upn.upn, pupil.date_of_birth) as holders,
        count(*) over (partition by pupil_upn.upn, pupil.date_of_birth, pupil_upn.school_id) as holders_in_school
    from pupil_upn
    inner join pupil
        on
            pupil_upn.school_id = pupil.school_id
            and pupil_upn.pupil_key = pupil.pupil_key
    where pupil.date_of_birth is not null

),

-- Only who shares a number with another needs a look.
shared as (

    select
        school_id,
        pupil_key,
        bool_or(holders_in_school > 1) as is_entered_twice
    from held
    group by school_id, pupil_key
    having bool_or(holders > 1)

),

-- All numbers of theirs: one that nobody shares contradicts all the same.
member as (

    select
        held.school_id,
        held.pupil_key,
        held.upn,
        held.date_of_birth,
        held.sex,
        held.is_present,
        held.is_permanent,
        held.own_label
    from held
    inner join shared
        on
            held.school_id = shared.school_id
            and held.pupil_key = shared.pupil_key
    -- Which of the two is the person known elsewhere is for people to say.
    where not shared.is_entered_twice

),

label_0 as (

    select distinct
        school_id,
        pupil_key,
        own_label as label
    from member

),
{% for round in range(1, rounds + 1) %}
-- Round {{ round }} of {{ rounds }}: who holds the same number takes the smallest label among them.
number_{{ round }} as (

    select
        member.upn,
        member.date_of_birth,
        min(label_{{ round - 1 }}.label) as label
    from member
    inner join label_{{ round - 1 }}
        on
            member.school_id = label_{{ round - 1 }}.school_id
            and member.pupil_key = label_{{ round - 1 }}.pupil_key
    group by member.upn, member.date_of_birth

),

label_{{ round }} as (

    select
        member.school_id,
        member.pupil_key,
        min(number_{{ round }}.label) as label
    from member
    inner join number_{{ round }}
        on
            member.upn = number_{{ round }}.upn
            and member.date_of_birth = number_{{ round }}.date_of_birth
    group by member.school_id, member.pupil_key

),
{% endfor %}
labelled as (

    select
        member.school_id,
        member.pupil_key,
        member.upn,
        member.date_of_birth,
        member.sex,
        member.is_present,
        member.is_permanent,
        member.own_label,
        label_{{ rounds }}.label
    from member
    inner join label_{{ rounds }}
        on
            member.school_id = label_{{ rounds }}.school_id
            and member.pupil_key = label_{{ rounds }}.pupil_key

),

-- The rounds were not enough where holders of one number still have different labels.
unfinished as (

    select
        upn,
        date_of_birth
    from labelled
    group by upn, date_of_birth
    having min(label) < max(label)

),

judged as (

    select
        labelled.label,
        case
            when count(unfinished.upn) > 0 then 'chain too long'
            when count(distinct labelled.own_label) > count(distinct labelled.school_id) then 'two pupils of one school'
            when count(distinct labelled.sex) > 1 then 'sex differs'
            -- A permanent number that another of them has as a former one is not a second one.
            when
                count(distinct labelled.upn) filter (where labelled.is_present and labelled.is_permanent)
                - count(distinct replaced.upn) > 1
                then 'two permanent UPNs'
        end as contradiction
    from labelled
    left join unfinished
        on
            labelled.upn = unfinished.upn
            and labelled.date_of_birth = unfinished.date_of_birth
    left join (
        select distinct
            former.label,
            former.upn
        from labelled as former
        inner join labelled as present
            on
                former.label = present.label
                and former.upn = present.upn
        where not former.is_present and present.is_present and present.is_permanent
    ) as replaced
        on
            labelled.label = replaced.label
            and labelled.upn = replaced.upn
    group by labelled.label

),

-- Of a chain that contradicts itself the present numbers alone remain, and of those that do so still nothing.
cut as (

    select
        labelled.school_id,
        labelled.pupil_key,
        labelled.own_label,
        judged.contradiction,
        min(labelled.own_label) over same_number as smallest,
        (min(labelled.sex) over same_number is distinct from max(labelled.sex) over same_number) as sex_differs
    from labelled
    inner join judged
        on labelled.label = judged.label
    where judged.contradiction is not null and labelled.is_present
    window same_number as (partition by labelled.upn, labelled.date_of_birth)

)

select distinct
    labelled.school_id,
    labelled.pupil_key,
    case
        when judged.contradiction is null then labelled.label
        when cut.smallest is null or cut.sex_differs then labelled.own_label
        else cut.smallest
    end as label,
    judged.contradiction
from labelled
inner join judged
    on labelled.label = judged.label
left join cut
    on
        labelled.school_id = cut.school_id
        and labelled.pupil_key = cut.pupil_key
union all
select
    school_id,
    pupil_key,
    {{ pupil_label('shared') }} as label,
    'entered twice in one school' as contradiction
from shared
where is_entered_twice
