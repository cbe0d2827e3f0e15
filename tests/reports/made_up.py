"""What three small schools do not bring with them: neighbours, a risk model, and many schools to compare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import TupleRow

Connection = psycopg.Connection[TupleRow]

#: As many copies of a school make more than one page of a list.
COPIES = 60
_STRIDE = 1000

_SIMILAR = """
insert into attendance.similar_school
select
    %(school)s, y.academic_year, n.place, n.neighbour, n.place * 0.75, 2, 'Secondary', 3, 'roll, fsm6_percent'
from (select distinct academic_year from attendance.school_year where school_id = %(school)s) as y
cross join unnest(%(neighbours)s::integer[]) with ordinality as n (neighbour, place)
"""

_PLACES = """
update attendance.school_comparison
set
    comparison_value = school_value - 0.5,
    difference = 0.5,
    comparator_schools = 2,
    rank = 2,
    percentile = 50,
    note = 'All 2 other schools of the phase: the pool has no 20.'
where school_id = %(school)s and comparison = 'similar schools'
"""

_MODEL = """
update attendance.risk_model
set phase = 'All', academic_years = '202324, 202425', pupil_years = 4000, held_out_pupil_years = 800, reason = null
"""

_COEFFICIENTS = """
insert into attendance.risk_model_coefficient (phase, input, fit_id, coefficient)
select 'All', i.input, m.fit_id, -0.125
from attendance.risk_model m
cross join unnest(array['intercept', 'pace', 'elapsed']) as i (input)
"""

#: Tenths of the scale; what came is a hundredth more than foretold; of the last but one few pupils are known.
_RELIABILITY = """
insert into attendance.risk_reliability
select
    t.test,
    s.slice,
    s.value,
    s.bin,
    m.fit_id,
    400,
    s.pupils,
    s.foretold,
    case when s.pupils >= 6 then s.foretold + 0.01 end,
    case when s.pupils >= 6 then 0.068 end,
    case when s.pupils >= 6 then 0.172 end,
    case when s.pupils >= 6 then 0.104 end,
    s.pupils < 6
from attendance.risk_model m
cross join unnest(array['held-out pupils', 'each pupil in turn']) as t (test)
cross join (
    select 'all', 'all', n, case n when 9 then 4 else 100 end, case n when 0 then 0.2 else n / 10.0 - 0.05 end
    from generate_series(0, 10) as n
    union all
    select 'sex', unnest(array['F', 'M']), 0, 200, 0.21
    union all
    select 'part of year', unnest(array['first third', 'last third', 'second third']), 0, 200, 0.22
) as s (slice, value, bin, pupils, foretold)
"""

_TABLES = ("school", "school_year", "school_day")


def fill_in(connection: Connection, school: int, neighbours: list[int]) -> None:
    """Publish made-up neighbours of a school with its places among them, and a risk model with its reliability."""
    connection.execute(_SIMILAR, {"school": school, "neighbours": neighbours})
    connection.execute(_PLACES, {"school": school})
    connection.execute(_MODEL)
    connection.execute(_COEFFICIENTS)
    connection.execute(_RELIABILITY)


@contextmanager
def many_schools(connection: Connection, school: int) -> Iterator[list[int]]:
    """Publish ``COPIES`` schools like this one for a block."""
    numbers = [school + _STRIDE * copy for copy in range(1, COPIES + 1)]
    connection.execute(
        "insert into ops.school (school_id, partner, partner_school_id, name, phase, state) overriding system value"
        " select n, partner, n::text, 'Copy ' || n, phase, state from ops.school, unnest(%s::integer[]) as n"
        " where school_id = %s",
        [numbers, school],
    )
    for table in _TABLES:
        row = connection.execute(
            "select string_agg(quote_ident(column_name), ', ') from information_schema.columns"
            " where table_schema = 'attendance' and table_name = %s and column_name <> 'school_id'",
            [table],
        ).fetchone()
        assert row is not None
        columns = row[0]
        values = columns.replace("school_name", "school_name || ' ' || n")
        connection.execute(
            f"insert into attendance.{table} (school_id, {columns}) select n, {values} from attendance.{table}"
            " cross join unnest(%s::integer[]) as n where school_id = %s",
            [numbers, school],
        )
    connection.commit()
    yield numbers
    for table in _TABLES:
        connection.execute(f"delete from attendance.{table} where school_id = any(%s)", [numbers])
    connection.execute("delete from ops.school where school_id = any(%s)", [numbers])
    connection.commit()
