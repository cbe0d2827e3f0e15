with

school as (

    select * from {{ ref('stg_school') }}

),

school_scope as (

    select * from {{ ref('stg_school_scope') }}

),

column_permission as (

    select * from {{ ref('column_permission') }}

),

-- A column needs its own scopes and those of its table.
needed as (

    select
        partner,
        table_name,
        column_name,
        scope
    from column_permission
    union distinct
    select
        of_column.partner,
        of_column.table_name,
        of_column.column_name,
        of_table.scope
    from column_permission as of_column
    inner join column_permission as of_table
        on
            of_column.partner = of_table.partner
            and of_column.table_name = of_table.table_name
    where of_table.column_name = '*'

)

select
    school.school_id,
    needed.table_name,
    needed.column_name,
    case
        when bool_or(not school_scope.is_granted) then false
        when bool_and(school_scope.is_granted is not null) then true
    end as is_permitted
from school
inner join needed
    on school.partner = needed.partner
left join school_scope
    on
        school.school_id = school_scope.school_id
        and needed.scope = school_scope.scope
group by school.school_id, needed.table_name, needed.column_name
