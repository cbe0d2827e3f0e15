{#- Half-days of a pupil's year: 54 weeks of 14 (AM and PM, Monday to Sunday). A year of 366 days that begins on a Sunday
    ends in its 54th week. -#}
{% macro year_length() -%}
  {{ return(756) }}
{%- endmacro %}

{#- Monday of the week of 1 August: day 0 of an academic year (202425). The same for every school, so that a place in
    the year is a date, and a week 14 places. Written so because it is asked of every mark; 1 January 1900 was a Monday. -#}
{% macro first_day(academic_year) -%}
  {%- set august = "make_date(" ~ academic_year ~ " / 100, 8, 1)" -%}
    ({{ august }} - ({{ august }} - date '1900-01-01') % 7)
{%- endmacro %}

{#- Some letters of a text of marks, from a place. substr() of a text in UTF-8 walks there from its beginning (1 µs in the
    middle of a year); a letter is one byte, so this goes straight to it. -#}
{% macro letters_from(marks, place, count) -%}
    convert_from(substr(convert_to({{ marks }}, 'UTF8'), {{ place }}, {{ count }}), 'UTF8')
{%- endmacro %}

{#- Place of a date's morning in its academic year, from 1; the afternoon is the next one. -#}
{% macro am_position(date_expression, academic_year) -%}
    (2 * ({{ date_expression }} - {{ first_day(academic_year) }}) + 1)
{%- endmacro %}

{#- Before an incremental model that reads only what an extract changed. Its steps are laterals with "offset 0", which
    Postgres must take row by row, and this lets each find its rows by index: left alone it takes "later than the
    school's last extract" for a third of the table, and reads all of it. -#}
{% macro by_index() -%}
  {{ return('set local enable_seqscan = off' if is_incremental() else 'select 1') }}
{%- endmacro %}

{#- Before a rebuild with JSON objects in its groups: Postgres takes each for 8 kB, most are empty, and left alone it writes
    the marks of half the groups to disk. -#}
{% macro room_for_json() -%}
  {{ return('select 1' if is_incremental() else 'set local hash_mem_multiplier = 8') }}
{%- endmacro %}

{#- What an object by place holds outside the piece that is written again. -#}
{% macro kept_outside(object) -%}
    case
        when {{ object }} is null or {{ object }} = '{}' then '{}'
        else (
            select coalesce(jsonb_object_agg(kept.key, kept.value), '{}')
            from jsonb_each({{ object }}) as kept
            where kept.key::integer not between piece.first_position and piece.last_position
        )
    end
{%- endmacro %}

{#- Bits of one value, and bits that are 1 from a place (the first is 0) to before another. -#}
{% macro no_bits() -%}
    repeat('0', {{ year_length() }})::varbit
{%- endmacro %}

{#- Bits with others in their place from a position on; where there are none yet, those of a blank year. -#}
{% macro with_bits(bits, others, position) -%}
    overlay(coalesce({{ bits }}, {{ no_bits() }}), {{ others }}, {{ position }})::varbit
{%- endmacro %}

{% macro bits_between(from_place, to_place) -%}
    (
        repeat('0', {{ from_place }}) || repeat('1', {{ to_place }} - {{ from_place }})
        || repeat('0', {{ year_length() }} - {{ to_place }})
    )::varbit
{%- endmacro %}

{#- Bits of the mornings, and of both sessions of a weekday (1 is Monday). -#}
{% macro mornings() -%}
    repeat('10', {{ year_length() // 2 }})::varbit
{%- endmacro %}

{% macro weekday_places(weekday) -%}
    repeat('{{ '00' * (weekday - 1) ~ '11' ~ '00' * (7 - weekday) }}', {{ year_length() // 14 }})::varbit
{%- endmacro %}

{#- Bits of a date's two sessions, to be put together with bit_or(). -#}
{% macro both_sessions(date_expression, academic_year) -%}
    (B'11' || {{ no_bits() }})::bit({{ year_length() }})
    >> ({{ am_position(date_expression, academic_year) }} - 1)
{%- endmacro %}

{#- What an object by place holds within the span on roll. -#}
{% macro within_places(object) -%}
    (
        select coalesce(jsonb_object_agg(kept.key, kept.value), '{}')
        from jsonb_each({{ object }}) as kept
        where kept.key::integer > marked.from_place and kept.key::integer <= marked.to_place
    )
{%- endmacro %}
