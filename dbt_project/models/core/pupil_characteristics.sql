with

enrolment as (

    select * from {{ ref('stg_pupil') }}

),

demographics as (

    select * from {{ ref('stg_pupil_demographics') }}

),

ethnicity as (

    select * from {{ ref('ethnicity') }}

),

sen_status as (

    select * from {{ ref('sen_status') }}

),

enrolment_status as (

    select * from {{ ref('enrolment_status') }}

),

-- Systems write "WENG", "English", "White - English" or "Asian or Asian British: Indian"; a name of its own goes first,
-- for "Other Chinese" is one and also "Chinese" in the group "Other".
ethnicity_spelling as (

    select distinct on (spelling.spelling)
        spelling.spelling,
        ethnicity.code,
        ethnicity.ethnicity_group
    from ethnicity
    cross join
        lateral (
            values
            (1, {{ letters_only('ethnicity.code') }}),
            (2, {{ letters_only('ethnicity.description') }}),
            (3, {{ letters_only('ethnicity.ethnicity_group || ethnicity.description') }}),
            (4, {{ letters_only(
                "ethnicity.ethnicity_group || 'or' || ethnicity.ethnicity_group || 'British' || ethnicity.description"
            ) }})
        ) as spelling (place, spelling)
    order by spelling.spelling, spelling.place, ethnicity.code

)

select distinct on (demographics.school_id, enrolment.person_id)
    demographics.school_id,
    {{ stable_key('enrolment.person_id') }} as pupil_key,
    ethnicity_spelling.code as ethnicity_code,
    ethnicity_spelling.ethnicity_group,
    demographics.first_language,
    demographics.eal as is_eal,
    sen_status.sen_status,
    demographics.fsm as is_fsm,
    demographics.fsm6 as is_fsm6,
    -- Recorded "yes" anywhere is yes; "no" needs an answer to at least one of the three, for null is not no.
    case
        when demographics.fsm6 or demographics.in_care or demographics.ever_in_care then true
        when coalesce(demographics.fsm6, demographics.in_care, demographics.ever_in_care) is not null then false
    end as is_disadvantaged,
    demographics.in_care as is_looked_after,
    demographics.service_child as is_service_child,
    enrolment_status.enrolment_status
from demographics
inner join enrolment
    on
        demographics.school_id = enrolment.school_id
        and demographics.pupil_id = enrolment.pupil_id
left join ethnicity_spelling
    on {{ letters_only('demographics.ethnicity') }} = ethnicity_spelling.spelling
left join sen_status
    on upper(trim(demographics.sen_status)) = sen_status.received
-- By word, not by first letter: the S of "Single Registration" is not that of a subsidiary registration.
left join enrolment_status
    on upper(trim(demographics.enrolment_status)) = enrolment_status.received
order by
    demographics.school_id asc, enrolment.person_id asc, enrolment.is_leaver asc, enrolment.start_date desc nulls last,
    demographics.pupil_id desc
