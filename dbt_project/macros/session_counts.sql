{#- A column's name, with its relation where there is more than one. -#}
{% macro column(relation, name) -%}
  {{ relation ~ '.' ~ name if relation else name }}
{%- endmacro %}

{#- What sessions count as, by name of the count: with the letter book the one place where a meaning becomes a measure. -#}
{% macro meaning_counts() -%}
  {{ return([
    ('possible', ['present', 'approved', 'authorised', 'unauthorised', 'covid']),
    ('attended', ['present', 'approved']),
    ('present', ['present']),
    ('approved_activity', ['approved']),
    ('absence', ['authorised', 'unauthorised']),
    ('authorised', ['authorised']),
    ('unauthorised', ['unauthorised']),
    ('covid', ['covid']),
    ('not_possible', ['not_possible']),
    ('missing', ['missing']),
    ('unclassified', ['unclassified'])
  ]) }}
{%- endmacro %}

{#- Sessions by reason, with the codes; T before 19 August 2024 is Traveller absence, C before it every leave granted. -#}
{% macro reason_codes() -%}
  {{ return([
    ('late_after_register', ['U']), ('illness', ['I']), ('appointment', ['M']), ('suspended', ['E']),
    ('agreed_holiday', ['H', 'F']), ('unauthorised_holiday', ['G']), ('no_reason', ['N']), ('other_unauthorised', ['O']),
    ('late_before_register', ['L']), ('study_leave', ['S']), ('religious', ['R']), ('mobile_child', ['T']),
    ('exceptional_leave', ['C']), ('part_time_timetable', ['C2']), ('performance', ['C1']), ('interview', ['J1'])
  ]) }}
{%- endmacro %}

{#- Names of the counts of a day; late_sessions goes by code, as DfE has it: L is present, U is absent. -#}
{% macro count_names() -%}
  {{ return(meaning_counts() | map(attribute=0) | list + ['late']) }}
{%- endmacro %}

{% macro reason_names() -%}
  {{ return(reason_codes() | map(attribute=0) | list) }}
{%- endmacro %}

{#- The letters as a list of SQL strings. -#}
{% macro quoted(letters) -%}
  {%- for letter in letters %}'{{ letter }}'{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{#- How many of a day's two sessions have one of the letters. -#}
{% macro session_count(letters) -%}
    (
        case when am.letter in ({{ quoted(letters) }}) then 1 else 0 end
        + case when pm.letter in ({{ quoted(letters) }}) then 1 else 0 end
    )
{%- endmacro %}

{#- The counts of a day from its two letters; all but the missing marks, which a blank may be. -#}
{% macro day_counts() -%}
  {%- for count, meanings in meaning_counts() if count != 'missing' %}
        {{ session_count(letters_meaning(meanings)) }}::smallint as {{ count }}_sessions,
  {%- endfor %}
        {{ session_count(letters_standing_for(['L', 'U'])) }}::smallint as late_sessions
{%- endmacro %}

{#- Marks made ready to be counted, as a lateral: ``plain`` is how many are / or \, ``rest`` the others without the
    blanks, a short text in which a letter is found fast. "limit all": worked out once a row and not once a count. -#}
{% macro counted_marks(marks, missing) -%}
    (
        select
            stripped.rest,
            stripped.entered - length(stripped.rest) as plain,
            bit_count(stripped.missing)::integer as missing
        from (
            select
                replace(replace(cut.entered, '/', ''), '\', '') as rest,
                length(cut.entered) as entered,
                cut.missing
            from (
                select
                    replace({{ marks }}, ' ', '') as entered,
                    {{ missing }} as missing
                limit all
            ) as cut
            limit all
        ) as stripped
        limit all
    )
{%- endmacro %}

{#- How many marks of ``rest`` are one of the letters. -#}
{% macro letter_count(counted, letters) -%}
  {%- if letters | length == 1 -%}
    length({{ counted }}.rest) - length(replace({{ counted }}.rest, '{{ letters }}', ''))
  {%- else -%}
    length({{ counted }}.rest) - length(translate({{ counted }}.rest, '{{ letters }}', ''))
  {%- endif -%}
{%- endmacro %}

{#- One count or reason of what counted_marks() made ready. -#}
{% macro letters_counted(counted, name) -%}
  {%- if name == 'missing' -%}
    {{ counted }}.missing
  {%- elif name == 'late' -%}
    {{ letter_count(counted, letters_standing_for(['L', 'U'])) }}
  {%- elif name in dict(meaning_counts()) -%}
    {%- set meanings = dict(meaning_counts())[name] -%}
    {{ counted ~ '.plain + ' if 'present' in meanings -}}
    {{ letter_count(counted, letters_meaning(meanings) | replace('/', '') | replace('\\', '')) }}
  {%- else -%}
    {{ letter_count(counted, letters_standing_for(dict(reason_codes())[name])) }}
  {%- endif -%}
{%- endmacro %}

{#- Counts and reasons of what counted_marks() made ready, as columns. -#}
{% macro letter_counts(counted) -%}
  {%- for name in count_names() + reason_names() %}
    {{ letters_counted(counted, name) }} as {{ name }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- The same of a week, with its rates, as a lateral: weeks have few values of ``rest``, and as it depends on nothing but what
    counted_marks() made ready, Postgres remembers (Memoize) what it worked out for each. -#}
{% macro remembered_counts(counted) -%}
    (
        select
            counts.*,
            {{ session_rates('counts') }}
        from (
            select
                {{ letter_counts(counted) }}
            limit all
        ) as counts
        limit all
    )
{%- endmacro %}

{#- The same as one array, kept with a year so that most years are counted once, when they are written. -#}
{% macro letter_tally(counted) -%}
    array[
  {%- for name in count_names() + reason_names() %}
        {{ letters_counted(counted, name) }}
    {{- ',' if not loop.last }}
  {%- endfor %}
    ]::smallint[]
{%- endmacro %}

{#- Joins to a relation of registers, a row a pupil's year, what tally_counts() asks for: whole_year.tally and
    counted_marks.missing, to the last day that counts. Most years count whole and were counted when they were written; the
    others are cut, by a span on roll or by counted_until, or put together from two enrolments. -#}
{% macro counted_years(register) -%}
  cross join lateral {{ counted_marks(
        'case when ' ~ register ~ '.tally is null then left(' ~ register ~ '.marks, ' ~ register ~ '.counted_places) end',
        'substring(' ~ register ~ '.missing from 1 for ' ~ register ~ '.counted_places)'
    ) }} as counted_marks
    cross join lateral (
        select coalesce({{ register }}.tally, {{ letter_tally('counted_marks') }}) as tally
        limit 1
    ) as whole_year
{%- endmacro %}

{#- Counts and reasons out of such an array, with the missing marks of now. -#}
{% macro tally_counts(tally, missing) -%}
  {%- for name in count_names() + reason_names() %}
    {{ missing if name == 'missing' else tally ~ '[' ~ loop.index ~ ']' }}::integer as {{ name }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Counts and reasons, summed; each row ``weight`` times. -#}
{% macro summed_counts(relation=none, weight=none) -%}
  {%- for count in count_names() + reason_names() %}
    sum({{ column(relation, count ~ '_sessions') }}{{ ' * ' ~ column(relation, weight) if weight }})::integer
        as {{ count }}_sessions
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Names of the columns of counts and reasons, in order. -#}
{% macro count_columns(relation=none, reasons=true) -%}
  {%- for count in count_names() + (reason_names() if reasons else []) %}
    {{ column(relation, count ~ '_sessions') }}
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Part in per cent of whole, from counts: summed before, divided here, rounded half away from zero (numeric). Published
    rates have six places; the tests against DfE's own ask for more. -#}
{% macro percentage(part, whole, places=6) -%}
  round(100 * {{ part }}::numeric / nullif({{ whole }}, 0), {{ places }})
{%- endmacro %}

{#- The four rates of a row with counts. -#}
{% macro session_rates(relation=none, places=6) -%}
  {%- for rate, part in [
    ('attendance', 'attended'), ('absence', 'absence'), ('authorised', 'authorised'), ('unauthorised', 'unauthorised')
  ] %}
    {{ percentage(column(relation, part ~ '_sessions'), column(relation, 'possible_sessions'), places) }} as {{ rate }}_rate
    {{- ',' if not loop.last }}
  {%- endfor %}
{%- endmacro %}

{#- Persistent and severe absence on a row's own possible sessions, in whole sessions: a rate in floating point moves
    pupils over the line. Null without a possible session. -#}
{% macro absence_flags(relation) -%}
    case
        when {{ relation }}.possible_sessions > 0
            then 10 * {{ relation }}.absence_sessions >= {{ relation }}.possible_sessions
    end as is_persistently_absent,
    case
        when {{ relation }}.possible_sessions > 0
            then 2 * {{ relation }}.absence_sessions >= {{ relation }}.possible_sessions
    end as is_severely_absent
{%- endmacro %}
