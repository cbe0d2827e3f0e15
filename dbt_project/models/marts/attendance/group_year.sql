{{ config(schema='core', alias='group_year', contract={'enforced': false}) }}

with

pupil_year as (

    select * from {{ ref('attendance__pupil_year') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

member as (

    select
        pupil_year.*,
        pupil_group.*
    from pupil_year
    inner join pupil
        on pupil_year.school_id = pupil.school_id and pupil_year.pupil_key = pupil.pupil_key
    left join characteristics
        on pupil_year.school_id = characteristics.school_id and pupil_year.pupil_key = characteristics.pupil_key
    cross join lateral {{ pupil_groups('pupil_year.year_group', 'pupil.sex', 'characteristics') }}
    where pupil_year.is_statistical and pupil_year.possible_sessions > 0

)

select
    one.school_id,
    one.academic_year,
    one.group_name as group_1,
    one.group_value as value_1,
    two.group_name as group_2,
    two.group_value as value_2,
    count(*)::integer as enrolments,
    count(*) filter (where one.is_persistently_absent)::integer as persistently_absent_enrolments,
    count(*) filter (where one.is_severely_absent)::integer as severely_absent_enrolments,
    {{ summed_counts('one') }},
    {{ summed_reasons('one') }}
from member as one
inner join member as two
    on
        one.school_id = two.school_id
        and one.pupil_key = two.pupil_key
        and one.academic_year = two.academic_year
        and (one.group_place < two.group_place and one.group_place > 0 or two.group_place = 0)
group by one.school_id, one.academic_year, one.group_name, one.group_value, two.group_name, two.group_value
