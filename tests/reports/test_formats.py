"""Figures as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from reports.formats import count, day, moment, percent, points, previous_year, year_name
from reports.group_names import group_values, value_name


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("94.250000"), "94.3%"), (Decimal("94.35"), "94.4%"), (0.05, "0.1%"), (0, "0.0%"), (None, "–")],
)
def test_halves_are_rounded_away_from_zero(value: Decimal | float | None, text: str) -> None:
    assert percent(value) == text


def test_differences_have_their_sign() -> None:
    assert points(Decimal("0.449")) == "+0.4 pp"
    assert points(Decimal("-0.45")) == "−0.5 pp"
    assert points(Decimal("0.04")) == "±0.0 pp"
    assert points(None) == "–"


def test_counts_and_dates() -> None:
    assert count(12345) == "12,345"
    assert day(date(2025, 7, 8)) == "8 July 2025"
    assert moment(datetime(2025, 7, 8, 23, 30, tzinfo=UTC)) == "9 July 2025, 00:30"


def test_years() -> None:
    assert year_name(202425) == "2024/25"
    assert previous_year(202425) == 202324
    assert previous_year(202021) == 201920


def test_group_values_stand_in_the_order_people_read() -> None:
    assert group_values("year_group", {"10", "9", "R", "N1", "not known", "1"}) == [
        "N1",
        "R",
        "1",
        "9",
        "10",
        "not known",
    ]
    assert group_values("sen", {"E", "N", "K"}) == ["N", "K", "E"]
    assert [value_name("sen", value) for value in ("N", "K", "E")] == ["No SEN", "SEN support", "EHC plan"]
    assert value_name("ethnicity", "Mixed") == "Mixed"
    assert group_values("fsm", {"not permitted", "false", "not known", "not recorded", "true"}) == [
        "true",
        "false",
        "not recorded",
        "not permitted",
        "not known",
    ]
    assert value_name("sex", "not permitted") == "Not permitted"
