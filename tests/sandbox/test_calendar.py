"""School years against published dates."""

from __future__ import annotations

from datetime import date
from random import Random

import pytest

from sandbox.calendar import DayKind, half_terms, school_days, school_leaving_date, school_year


def test_terms_of_two_known_years() -> None:
    spans = {year: [(days[0], days[-1]) for days in half_terms(year)] for year in (2023, 2024)}
    assert spans[2023] == [
        (date(2023, 9, 4), date(2023, 10, 20)),
        (date(2023, 10, 30), date(2023, 12, 22)),
        (date(2024, 1, 8), date(2024, 2, 9)),
        (date(2024, 2, 19), date(2024, 3, 28)),  # Good Friday was 29 March
        (date(2024, 4, 15), date(2024, 5, 24)),
        (date(2024, 6, 3), date(2024, 7, 23)),
    ]
    assert spans[2024][3:] == [
        (date(2025, 2, 24), date(2025, 4, 4)),
        (date(2025, 4, 22), date(2025, 5, 23)),  # Easter Monday was 21 April
        (date(2025, 6, 2), date(2025, 7, 22)),
    ]


@pytest.mark.parametrize("year", range(2022, 2030))
def test_every_year_has_190_days_with_pupils_and_five_inset_days(year: int) -> None:
    days = school_year(year, Random(year))
    kinds = [day.kind for day in days]
    assert kinds.count(DayKind.INSET) == 5
    assert len(kinds) == 195
    assert all(day.day.weekday() < 5 for day in days)


def test_bank_holidays_are_not_school_days() -> None:
    days = set(school_days([2023, 2024]))
    assert not days & {date(2024, 5, 6), date(2024, 3, 29), date(2025, 4, 21), date(2025, 5, 5)}


def test_school_leaving_date_is_the_last_friday_in_june() -> None:
    assert school_leaving_date(2023) == date(2024, 6, 28)
    assert school_leaving_date(2024) == date(2025, 6, 27)
