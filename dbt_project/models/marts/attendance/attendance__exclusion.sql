with

exclusion as (

    select * from {{ ref('exclusion') }}

),

exclusion_reason as (

    select * from {{ ref('exclusion_reason') }}

),

register_year as (

    select * from {{ ref('attendance___register_year') }}

),

-- Partners send one reason; the census knows three, and some systems put them into the one field.
reason as (

    select
        exclusion.school_id,
        exclusion.exclusion_id,
        string_agg(coalesce(exclusion_reason.description, given.code), '; ' order by given.place) as reasons
    from exclusion
    cross join
        lateral regexp_split_to_table(upper(trim(exclusion.reason_code)), '[^A-Z0-9]+')
        with ordinality as given (code, place)
    left join exclusion_reason
        on given.code = exclusion_reason.reason_code
    where given.place <= 3 and given.code <> ''
    group by exclusion.school_id, exclusion.exclusion_id

),

suspension as (

    select
        exclusion.*,
        row_number() over (
            partition by exclusion.school_id, exclusion.pupil_key, exclusion.academic_year
            order by exclusion.start_date, exclusion.exclusion_id
        ) as place
    from exclusion
    where exclusion.exclusion_type = 'suspension'

),

-- The marks of the span: a suspension may begin after lunch, and end before it.
span as (

    select
        suspension.school_id,
        suspension.exclusion_id,
        substr(
            register_year.marks,
            {{ am_position('suspension.start_date', 'suspension.academic_year') }}
            + case suspension.start_session when 'PM' then 1 else 0 end,
            greatest(
                2 * (coalesce(suspension.end_date, suspension.start_date) - suspension.start_date + 1)
                - case suspension.start_session when 'PM' then 1 else 0 end
                - case suspension.end_session when 'AM' then 1 else 0 end, 0
            )
        ) as rest
    from suspension
    inner join register_year
        on
            suspension.school_id = register_year.school_id
            and suspension.pupil_key = register_year.pupil_key
            and suspension.academic_year = register_year.academic_year

),

coded as (

    select
        span.school_id,
        span.exclusion_id,
        {{ letter_count('span', letters_standing_for(['E'])) }} as coded_e_sessions,
        {{ letter_count('span', letters_standing_for(['B', 'K', 'D'])) }} as provision_sessions
    from span
    where translate(span.rest, ' {{ letters_meaning(['missing']) }}', '') <> ''

)

select
    exclusion.school_id,
    exclusion.exclusion_id,
    exclusion.pupil_key,
    exclusion.academic_year,
    exclusion.exclusion_type,
    exclusion.reason_code,
    exclusion.reason,
    exclusion.start_date,
    exclusion.end_date,
    exclusion.sessions,
    reason.reasons,
    (exclusion.sessions / 2.0)::numeric(5, 1) as days,  -- noqa: RF04
    suspension.place > 1 as is_repeat,
    case when suspension.exclusion_id is not null then coalesce(coded.coded_e_sessions, 0) end::integer
        as coded_e_sessions,
    case when suspension.exclusion_id is not null then coalesce(coded.provision_sessions, 0) end::integer
        as provision_sessions,
    case
        when suspension.exclusion_id is null or suspension.sessions is null then null
        when coded.exclusion_id is null then 'no marks'
        when
            coded.coded_e_sessions > suspension.sessions + {{ var('suspension_tolerance_sessions') }}
            then 'more E marks'
        when
            coded.coded_e_sessions + coded.provision_sessions
            >= suspension.sessions - {{ var('suspension_tolerance_sessions') }}
            then 'agrees'
        else 'fewer E marks'
    end as reconciliation
from exclusion
left join reason
    on
        exclusion.school_id = reason.school_id
        and exclusion.exclusion_id = reason.exclusion_id
left join suspension
    on
        exclusion.school_id = suspension.school_id
        and exclusion.exclusion_id = suspension.exclusion_id
left join coded
    on
        exclusion.school_id = coded.school_id
        and exclusion.exclusion_id = coded.exclusion_id
