with

school as (

    select * from {{ ref('school') }}

),

school_characteristics as (

    select * from {{ ref('school_characteristics') }}

)

select
    school_characteristics.school_id,
    school_characteristics.academic_year,
    school.national_phase as phase,
    school_characteristics.census_date,
    school_characteristics.roll,
    {%- for name, known in [('fsm6', 'fsm6'), ('sen_support', 'sen'), ('ehcp', 'sen'), ('eal', 'eal')] %}
    case
        when not ({{ is_small('school_characteristics.' ~ name ~ '_pupils', 'suppression_minimum_part') }})
            then {{ percentage(
                'school_characteristics.' ~ name ~ '_pupils', 'school_characteristics.' ~ known ~ '_known'
            ) }}
    end as {{ name }}_percent,
    {%- endfor %}
    {%- for name in ['fsm6', 'sen_support', 'ehcp'] %}
    {{ is_small('school_characteristics.' ~ name ~ '_pupils', 'suppression_minimum_part') }} or
    {%- endfor %}
    {{ is_small('school_characteristics.eal_pupils', 'suppression_minimum_part') }} as is_suppressed
from school_characteristics
inner join school
    on school_characteristics.school_id = school.school_id
