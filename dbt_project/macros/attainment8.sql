{#- Attainment 8 (methodology 2.2.1, 2.2.2) of points that are estimated, aimed at or reached. `entries` is a relation of one
    row a person and qualification taken: the columns of `person`, qualification, subject, points (not null; a U is 0
    and counts as taken). Discounting is the caller's. Gives four relations; the last is `attainment8`, one row a person:
    english, mathematics, ebacc, open, attainment8 (points, of 90), slots_filled (of 10; an empty slot counts 0). Needs
    the import attainment8_subject. -#}
{% macro attainment8(entries, person) -%}
{%- set columns = person | join(', ') -%}
{%- set of_entry = [] -%}
{%- for column in person -%}{%- do of_entry.append(entries ~ '.' ~ column) -%}{%- endfor -%}
-- One row a slot that an entry can fill: combined science fills two.
attainment8_slot as (

    select
        {{ of_entry | join(', ') }},
        {{ entries }}.points,
        coalesce(attainment8_subject.element, 'open') as element
    from {{ entries }}
    left join attainment8_subject
        on
            {{ entries }}.qualification = attainment8_subject.qualification
            and {{ entries }}.subject = attainment8_subject.subject
    cross join lateral generate_series(1, coalesce(attainment8_subject.slots, 1)::integer) as slot (number)

),

attainment8_placed as (

    select
        {{ columns }},
        points,
        element,
        row_number() over (partition by {{ columns }}, element order by points desc) as place,
        count(*) over (partition by {{ columns }}, element) as entries
    from attainment8_slot

),

-- English counts twice where both were taken, mathematics always. What has no place of its own may fill an open one, but
-- a second mathematics may not.
attainment8_filled as (

    select
        {{ columns }},
        points,
        case
            when element = 'english' and place = 1 then 'english'
            when element = 'mathematics' then 'mathematics'
            when element = 'ebacc' and place <= 3 then 'ebacc'
            else 'open'
        end as slot,
        case
            when element = 'mathematics' then case when place = 1 then 2 else 0 end
            when element = 'english' and place = 1 and entries > 1 then 2
            else 1
        end as weight,
        row_number() over (
            partition by {{ columns }},
            case
                when element in ('english', 'mathematics') and place = 1 then element
                when element = 'mathematics' then 'none'
                when element = 'ebacc' and place <= 3 then 'ebacc'
                else 'open'
            end
            order by points desc
        ) as slot_place
    from attainment8_placed

),

attainment8 as (

    select
        {{ columns }},
        {%- for slot in ['english', 'mathematics', 'ebacc', 'open'] %}
        coalesce(sum(points * weight) filter (where slot = '{{ slot }}'), 0) as {{ slot }},
        {%- endfor %}
        coalesce(sum(points * weight), 0) as attainment8,
        sum(weight)::integer as slots_filled
    from attainment8_filled
    where slot <> 'open' or slot_place <= 3
    group by {{ columns }}

)
{%- endmacro %}
