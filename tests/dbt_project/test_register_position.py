"""The places of a year's register are dates, for every date that a register can have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment

from orchestration.warehouse.connection import Warehouse

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros"

WRONG_DAYS = """
    select count(*), min(day) from (
        select
            day, {year} as year, {first_day} as first_day,
            (extract(year from day) - (extract(month from day) < 8)::integer)::integer as august
        from (select day::date as day from generate_series('1900-08-01', '2099-07-31', interval '1 day') as day)
    ) where year <> august * 100 + (august + 1) % 100
        or first_day <> date_trunc('week', make_date(august, 8, 1))::date
"""


def _macro(file: str, name: str, argument: str) -> str:
    """The SQL of a macro that needs nothing of dbt."""
    module: Any = Environment(autoescape=False).from_string((MACROS / file).read_text()).module  # noqa: S701
    return str(getattr(module, name)(argument))


def test_years_begin_on_1_august_and_their_places_on_the_monday_of_its_week(module_warehouse: Warehouse) -> None:
    year = _macro("academic_year.sql", "academic_year", "day")
    first_day = _macro("register_position.sql", "first_day", year)
    with module_warehouse.connect() as connection:
        found = connection.execute(WRONG_DAYS.format(year=year, first_day=first_day).encode()).fetchall()
    assert found == [(0, None)]
