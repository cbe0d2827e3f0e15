"""Academic years as partners' records fall into them."""

from __future__ import annotations

from datetime import date


def year_start(day: date) -> date:
    """The first day that can belong to the academic year ``day`` falls in: the August before its September, because
    some schools begin before September and some MISs begin the year with August.
    """
    return date(day.year if day.month >= 9 else day.year - 1, 8, 1)
