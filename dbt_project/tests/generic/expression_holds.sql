{#- Rows on which the expression is false. A null is not a failure: not_null has its own constraint. -#}
{% test expression_holds(model, expression) %}

with

tested as (

    select * from {{ model }}

)

select *
from tested
where not ({{ expression }})

{% endtest %}
