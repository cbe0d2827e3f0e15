with

school as (

    select * from {{ ref('school') }}

),

permission as (

    select * from {{ ref('permission') }}

),

pupil as (

    select * from {{ ref('pupil') }}

),

characteristics as (

    select * from {{ ref('pupil_characteristics') }}

),

-- What an attribute is made from; any one of several will do.
attribute_source as (

    select
        attribute_source.attribute,
        attribute_source.category,
        attribute_source.table_name,
        attribute_source.column_name
    from (
        values
        ('sex', 'basic', 'pupil', 'sex'),
        ('date_of_birth', 'basic', 'pupil', 'date_of_birth'),
        ('upn', 'basic', 'pupil', 'upn'),
        ('ethnicity_group', 'demographics', 'pupil_demographics', 'ethnicity'),
        ('is_eal', 'demographics', 'pupil_demographics', 'eal'),
        ('first_language', 'demographics', 'pupil_demographics', 'first_language'),
        ('sen_status', 'demographics', 'pupil_demographics', 'sen_status'),
        ('is_fsm', 'demographics', 'pupil_demographics', 'fsm'),
        ('is_fsm6', 'demographics', 'pupil_demographics', 'fsm6'),
        ('is_disadvantaged', 'demographics', 'pupil_demographics', 'fsm6'),
        ('is_disadvantaged', 'demographics', 'pupil_demographics', 'in_care'),
        ('is_disadvantaged', 'demographics', 'pupil_demographics', 'ever_in_care'),
        ('is_looked_after', 'demographics', 'pupil_demographics', 'in_care'),
        ('is_service_child', 'demographics', 'pupil_demographics', 'service_child'),
        ('enrolment_status', 'demographics', 'pupil_demographics', 'enrolment_status')
    ) as attribute_source (attribute, category, table_name, column_name)

),

recorded as (

    select
        pupil.school_id,
        count(*) as pupils,
        count(pupil.sex) as sex,
        count(pupil.date_of_birth) as date_of_birth,
        count(pupil.upn) as upn,
        count(characteristics.ethnicity_group) as ethnicity_group,
        count(characteristics.is_eal) as is_eal,
        count(characteristics.first_language) as first_language,
        count(characteristics.sen_status) as sen_status,
        count(characteristics.is_fsm) as is_fsm,
        count(characteristics.is_fsm6) as is_fsm6,
        count(characteristics.is_disadvantaged) as is_disadvantaged,
        count(characteristics.is_looked_after) as is_looked_after,
        count(characteristics.is_service_child) as is_service_child,
        count(characteristics.enrolment_status) as enrolment_status
    from pupil
    left join characteristics
        on
            pupil.school_id = characteristics.school_id
            and pupil.pupil_key = characteristics.pupil_key
    where pupil.is_on_roll
    group by pupil.school_id

),

recorded_attribute as (

    select
        recorded.school_id,
        recorded.pupils,
        counted.attribute,
        counted.pupils_recorded
    from recorded
    cross join
        lateral (
            values
            ('sex', recorded.sex),
            ('date_of_birth', recorded.date_of_birth),
            ('upn', recorded.upn),
            ('ethnicity_group', recorded.ethnicity_group),
            ('is_eal', recorded.is_eal),
            ('first_language', recorded.first_language),
            ('sen_status', recorded.sen_status),
            ('is_fsm', recorded.is_fsm),
            ('is_fsm6', recorded.is_fsm6),
            ('is_disadvantaged', recorded.is_disadvantaged),
            ('is_looked_after', recorded.is_looked_after),
            ('is_service_child', recorded.is_service_child),
            ('enrolment_status', recorded.enrolment_status)
        ) as counted (attribute, pupils_recorded)

),

permitted as (

    select
        school.school_id,
        attribute_source.attribute,
        attribute_source.category,
        case
            when bool_or(permission.is_permitted) then true
            when bool_and(permission.is_permitted is not null) then false
        end as is_permitted
    from school
    cross join attribute_source
    left join permission
        on
            school.school_id = permission.school_id
            and attribute_source.table_name = permission.table_name
            and attribute_source.column_name = permission.column_name
    group by school.school_id, attribute_source.attribute, attribute_source.category

)

select
    permitted.school_id,
    permitted.attribute,
    permitted.category,
    permitted.is_permitted,
    case
        when permitted.is_permitted then 'not recorded'
        when not permitted.is_permitted then 'not permitted'
        else 'not known'
    end as null_means,
    coalesce(recorded_attribute.pupils, 0)::integer as pupils,
    coalesce(recorded_attribute.pupils_recorded, 0)::integer as pupils_recorded
from permitted
left join recorded_attribute
    on
        permitted.school_id = recorded_attribute.school_id
        and permitted.attribute = recorded_attribute.attribute
