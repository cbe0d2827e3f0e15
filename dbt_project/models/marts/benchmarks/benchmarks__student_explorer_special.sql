with

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

sen_need as (

    select * from {{ ref('sen_need') }}

),

ethnicity as (

    select * from {{ ref('ethnicity') }}

),

line as (

    select
        pupil.school_id,
        pupil.pupil_key,
        fact.section,
        fact.place,
        fact.item,
        fact.value,
        null::date as as_of,
        fact.note
    from pupil
    left join characteristics
        on
            pupil.school_id = characteristics.school_id
            and pupil.pupil_key = characteristics.pupil_key
    left join ethnicity
        on characteristics.ethnicity_code = ethnicity.code
    cross join
        lateral (
            values
            (
                'ethnicity',
                0,
                'Ethnicity',
                coalesce(ethnicity.description, characteristics.ethnicity_group, 'not known'),
                characteristics.ethnicity_group
            ),
            ('language', 1, 'First language', coalesce(characteristics.first_language, 'not known'), null),
            ('language', 2, 'English as an additional language', {{ yes_or_no('characteristics.is_eal') }}, null),
            (
                'SEN', 0, 'SEN status', case characteristics.sen_status
                    when 'N' then 'none'
                    when 'K' then 'SEN support'
                    when 'E' then 'education, health and care plan'
                    else 'not known'
                end, null
            ),
            ('looked after', 0, 'Looked after now', {{ yes_or_no('characteristics.is_looked_after') }}, null),
            ('service child', 0, 'Service child', {{ yes_or_no('characteristics.is_service_child') }}, null)
        ) as fact (section, place, item, value, note)
    where pupil.is_on_roll
    union all
    select
        sen_need.school_id,
        sen_need.pupil_key,
        'SEN' as section,
        coalesce(sen_need.rank, 99) as place,
        case sen_need.rank when 1 then 'Primary need' else 'Need' end as item,
        coalesce(sen_need.need_type, 'not known') as value,
        sen_need.start_date as as_of,
        'To ' || {{ printed_date('sen_need.end_date') }} as note
    from sen_need
    inner join pupil
        on
            sen_need.school_id = pupil.school_id
            and sen_need.pupil_key = pupil.pupil_key
    where pupil.is_on_roll

)

select
    school_id,
    pupil_key,
    section,
    {{ explorer_position('place, as_of desc nulls last, value') }},
    null::integer as academic_year,
    null::text as qualification,
    null::text as subject,
    item,
    value,
    null::double precision as number,
    null::text as unit,
    as_of,
    note
from line
