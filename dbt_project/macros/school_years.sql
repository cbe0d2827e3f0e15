{#- Models that keep a school's year and make it again whole when the hash of all that it is made from is another one:
    ``input`` is the relation of the hashes, by school and year. This goes before: what is kept of years that are no
    longer there is deleted. -#}
{% macro forget_vanished_years(input) -%}
  {%- if is_incremental() -%}
    delete from {{ this }} as held
    where not exists (
        select from {{ input }} as present
        where present.school_id = held.school_id and present.academic_year = held.academic_year
    )
  {%- else -%}
    select 1
  {%- endif -%}
{%- endmacro %}

{#- Years of schools to make again, as the CTE stale: their hash in the CTE named ``input`` is another one than theirs here. -#}
{% macro stale_school_years(input) -%}
{% if is_incremental() %}

held as not materialized (

    select * from {{ this }}

),

stale as (

    select
        {{ input }}.school_id,
        {{ input }}.academic_year,
        {{ input }}.fingerprint
    from {{ input }}
    left join lateral (
        select held.fingerprint
        from held
        where held.school_id = {{ input }}.school_id and held.academic_year = {{ input }}.academic_year
        limit 1
    ) as made_before on true
    where made_before.fingerprint is distinct from {{ input }}.fingerprint

),

{% else %}

stale as (

    select
        school_id,
        academic_year,
        fingerprint
    from {{ input }}

),

{% endif %}
{%- endmacro %}
