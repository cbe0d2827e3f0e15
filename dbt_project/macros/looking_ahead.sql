{#- Whether a school's calendar of a year is all there: it begins by October, goes on into the second week of July (in
    Leicestershire the last week is that of 10 July), and has no hole of more than four of the 190 days' weeks. -#}
{% macro is_whole_year(open_days, first_day, last_day, academic_year) -%}
  (
        {{ open_days }} >= 170
        and {{ first_day }} <= make_date({{ academic_year }} / 100, 10, 1)
        and {{ last_day }} >= make_date({{ academic_year }} / 100 + 1, 7, 8)
    )
{%- endmacro %}

{#- Open sessions still to come, of which the pupil is expected at the share possible for them so far: half for a pupil
    who spends half the week at another school. In whole sessions, cut off. -#}
{% macro expected_rest(open_sessions, possible, not_possible) -%}
  coalesce({{ open_sessions }} * {{ possible }} / nullif({{ possible }} + {{ not_possible }}, 0), 0)::integer
{%- endmacro %}

{#- Inputs of the risk model from counts of sessions; orchestration.estimates.attendance_risk.inputs is the same in
    Python, and a test holds them together. Of a relation with possible_sessions, absence_sessions,
    recent_possible_sessions, recent_absence_sessions (the last four school weeks), expected_possible_sessions (more
    than possible_sessions) and was_persistently_absent. -#}
{% macro risk_inputs(relation) -%}
    (
        ln(
            ({{ relation }}.absence_sessions + 1.2::double precision)
            / ({{ relation }}.possible_sessions + 20::double precision)
        )
        - ln(least(greatest(
            (0.1::double precision * {{ relation }}.expected_possible_sessions - {{ relation }}.absence_sessions)
            / ({{ relation }}.expected_possible_sessions - {{ relation }}.possible_sessions),
            0.005::double precision
        ), 0.5::double precision))
    ) as pace,
    least(
        case
            when {{ relation }}.recent_possible_sessions > 0
                then {{ relation }}.recent_absence_sessions::double precision / {{ relation }}.recent_possible_sessions
            else {{ relation }}.absence_sessions::double precision / {{ relation }}.possible_sessions
        end, 0.5::double precision
    ) as missed_last_4_weeks,
    {{ relation }}.possible_sessions::double precision / {{ relation }}.expected_possible_sessions as elapsed,
    case when {{ relation }}.was_persistently_absent then 1 else 0 end::double precision as persistent_last_year,
    case when {{ relation }}.was_persistently_absent is null then 1 else 0 end::double precision as unknown_last_year
{%- endmacro %}

{#- The probability, 0 to 1, from a relation of coefficients, a column an input, and one of risk_inputs. -#}
{% macro risk_probability(coefficients, inputs) -%}
  1 / (1 + exp(-(
            {{ coefficients }}.intercept
            + {{ coefficients }}.pace * {{ inputs }}.pace
            + {{ coefficients }}.pace_by_elapsed * {{ inputs }}.pace * {{ inputs }}.elapsed
            + {{ coefficients }}.missed_last_4_weeks * {{ inputs }}.missed_last_4_weeks
            + {{ coefficients }}.elapsed * {{ inputs }}.elapsed
            + {{ coefficients }}.persistent_last_year * {{ inputs }}.persistent_last_year
            + {{ coefficients }}.unknown_last_year * {{ inputs }}.unknown_last_year
        )))
{%- endmacro %}

{#- The names of the risk model's inputs, as its coefficients are stored. -#}
{% macro risk_input_names() -%}
  {{ return(['intercept', 'pace', 'pace_by_elapsed', 'missed_last_4_weeks', 'elapsed', 'persistent_last_year',
             'unknown_last_year']) }}
{%- endmacro %}

{#- A text with its {names} filled in, from a dictionary of name to SQL. A value that is null leaves its name standing,
    which a gate finds. -#}
{% macro fill(text, values) -%}
  {%- set filled = namespace(sql=text) -%}
  {%- for name, value in values.items() -%}
    {%- set filled.sql = "replace(" ~ filled.sql ~ ", '{" ~ name ~ "}', coalesce((" ~ value ~ ")::text, '{" ~ name ~ "}'))" -%}
  {%- endfor -%}
  {{ filled.sql }}
{%- endmacro %}

{#- A school's open days of a year with their place in it: week_number, weeks_ago (0 is the last week), first weeks (the
    first four), and whether the day is among the last five of a half term that is over. Of the CTE school_day. -#}
{% macro placed_days() -%}
    select
        school_day.school_id,
        school_day.session_date,
        school_day.academic_year,
        week.week_start,
        week.week_number,
        week.weeks_ago,
        coalesce(week.week_number <= 4, false) as is_first_weeks,
        school_day.is_open_day
        and (
            school_day.half_term < half_term_reached.half_term
            or (
                half_term_reached.half_term = 6
                and half_term_reached.last_day >= make_date(school_day.academic_year / 100 + 1, 7, 8)
            )
        )
        and sum(school_day.is_open_day::integer) over (
            partition by school_day.school_id, school_day.academic_year, school_day.half_term
            order by school_day.session_date desc
        ) <= 5 as is_end_of_half_term
    from school_day
    left join (
        select
            school_id,
            academic_year,
            week_start,
            row_number() over (partition by school_id, academic_year order by week_start) as week_number,
            row_number() over (partition by school_id, academic_year order by week_start desc) - 1 as weeks_ago
        from school_day
        where is_open_day
        group by school_id, academic_year, week_start
    ) as week
        on
            school_day.school_id = week.school_id
            and school_day.academic_year = week.academic_year
            and school_day.week_start = week.week_start
    inner join (
        select
            school_id,
            academic_year,
            max(half_term) as half_term,
            max(session_date) as last_day
        from school_day
        where is_open_day
        group by school_id, academic_year
    ) as half_term_reached
        on
            school_day.school_id = half_term_reached.school_id
            and school_day.academic_year = half_term_reached.academic_year
{%- endmacro %}
