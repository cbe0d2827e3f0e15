{#- What a pupil's year is written with (core.register_year): one ASCII character a session, and one letter one meaning,
    whatever the date and the school. A code that changed its meaning has a letter a meaning (X, x); a code of two
    characters has a letter of its own; a code of a school's own that counts as no standard code has the letter of its
    meaning, and a code that is not in force has "!". How it was entered then stands in entered_codes.

    As (letter, code it stands for or none, meaning), the commonest first: translate() looks from the left.
    tests/dbt_project/test_letter_book.py holds it to the seed standard_attendance_code. -#}
{% macro letter_book() -%}
  {{ return([
    ('/', '/', 'present'), ('\\', '\\', 'present'), ('L', 'L', 'present'), ('I', 'I', 'authorised'),
    ('O', 'O', 'unauthorised'), ('#', '#', 'not_possible'), ('X', 'X', 'not_possible'), ('U', 'U', 'unauthorised'),
    ('G', 'G', 'unauthorised'), ('M', 'M', 'authorised'), ('N', 'N', 'unauthorised'), ('B', 'B', 'approved'),
    ('V', 'V', 'approved'), ('C', 'C', 'authorised'), ('D', 'D', 'not_possible'), ('E', 'E', 'authorised'),
    ('F', 'F', 'authorised'), ('H', 'H', 'authorised'), ('J', 'J', 'approved'), ('K', 'K', 'approved'),
    ('P', 'P', 'approved'), ('Q', 'Q', 'not_possible'), ('R', 'R', 'authorised'), ('S', 'S', 'authorised'),
    ('T', 'T', 'authorised'), ('W', 'W', 'approved'), ('Y', 'Y', 'not_possible'), ('Z', 'Z', 'not_possible'),
    ('-', '-', 'missing'), ('?', '?', 'missing'), ('x', 'X', 'covid'), ('c', 'C1', 'authorised'),
    ('t', 'C2', 'authorised'), ('j', 'J1', 'authorised'), ('1', 'Y1', 'not_possible'), ('2', 'Y2', 'not_possible'),
    ('3', 'Y3', 'not_possible'), ('4', 'Y4', 'not_possible'), ('5', 'Y5', 'not_possible'),
    ('6', 'Y6', 'not_possible'), ('7', 'Y7', 'not_possible'),
    ('p', none, 'present'), ('v', none, 'approved'), ('a', none, 'authorised'), ('u', none, 'unauthorised'),
    ('n', none, 'not_possible'), ('m', none, 'missing'), ('!', none, 'unclassified')
  ]) }}
{%- endmacro %}

{#- The letters with one of the meanings, as a string. -#}
{% macro letters_meaning(meanings) -%}
  {%- set letters = [] -%}
  {%- for letter, code, meaning in letter_book() if meaning in meanings %}{% do letters.append(letter) %}{% endfor -%}
  {{ return(letters | join) }}
{%- endmacro %}

{#- The letters that stand for one of the codes, as a string. -#}
{% macro letters_standing_for(codes) -%}
  {%- set letters = [] -%}
  {%- for letter, code, meaning in letter_book() if code in codes %}{% do letters.append(letter) %}{% endfor -%}
  {{ return(letters | join) }}
{%- endmacro %}

{#- The letter book as rows: letter, code, meaning. -#}
{% macro letter_rows() -%}
    select
        letter::text as letter,
        code::text as code,
        meaning::text as meaning
    from (values
    {%- for letter, code, meaning in letter_book() %}
        ('{{ letter }}', {{ "'" ~ code ~ "'" if code else 'null' }}, '{{ meaning }}'){{ ',' if not loop.last }}
    {%- endfor %}
    ) as letter_book (letter, code, meaning)
{%- endmacro %}

{#- A bit a session: 1 where the letter has one of the meanings. -#}
{% macro bitmap(marks, meanings) -%}
  {%- set wanted = letters_meaning(meanings) -%}
  {%- set bits = [] -%}
  {%- for letter, code, meaning in letter_book() -%}
    {%- do bits.append('1' if letter in wanted else '0') -%}
  {%- endfor -%}
    translate({{ marks }}, ' {{ letter_book() | map(attribute=0) | join }}', '0{{ bits | join }}')::varbit
{%- endmacro %}

{#- A session's code as it was entered, which goes before the one that its letter stands for; - when the mark is missing. -#}
{% macro code_as_entered(code, position, register) -%}
    case
        when {{ code }} is null then case when get_bit({{ register }}.missing, {{ position }} - 1) = 1 then '-' end
        when {{ register }}.entered_codes = '{}' then {{ code }}
        else coalesce({{ register }}.entered_codes ->> ({{ position }})::text, {{ code }})
    end
{%- endmacro %}

{#- All that decides a school's letters, as one number: another one, and the school's years are written again. -#}
{% macro code_book_hash() -%}
    ('x' || substr(md5(string_agg(
        concat_ws('|', code, valid_from, valid_to, letter, meaning), ',' order by code collate "C", valid_from
    )), 1, 16))::bit(64)::bigint
{%- endmacro %}
