"""Dates in every form the partner uses, flags, numbers: mapped exactly or refused."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.connectors import values
from orchestration.connectors.values import BadValue, Days, Moments, flag, sex, small, text

LONDON = ZoneInfo("Europe/London")
ZONES = st.sampled_from(["UTC", "Europe/London", "Europe/Paris", "Australia/Sydney"])
YEARS = (datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001  # wall-clock times, the zone comes apart


def day(value: Any) -> date | None:
    return Days("born")[json.dumps(value).encode()]


def moment(value: Any) -> datetime | None:
    return Moments("updated_at")[json.dumps(value).encode()]


def php(clock: str, zone: str = "Europe/London", kind: int = 3) -> dict[str, Any]:
    return {"date": clock, "timezone_type": kind, "timezone": zone}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("2013-11-05", date(2013, 11, 5)),
        ("2013-11-05 00:00:00", date(2013, 11, 5)),
        ("2013-06-05T00:00:00+01:00", date(2013, 6, 5)),
        ("2013-06-04T23:00:00Z", date(2013, 6, 5)),
        (php("2013-06-05"), date(2013, 6, 5)),
        (php("2013-06-05 00:00:00"), date(2013, 6, 5)),
        (php("2013-06-05 00:00:00.000000"), date(2013, 6, 5)),
        (php("2013-06-05 00:00:00.0000000"), date(2013, 6, 5)),
        # Summer time: London's midnight is 23:00 UTC of the day before.
        (php("2013-06-04 23:00:00.000000", "UTC"), date(2013, 6, 5)),
        (php("2013-12-04 23:00:00.000000", "UTC"), date(2013, 12, 4)),
        (php("2013-06-05 00:00:00.000000", "+01:00", 1), date(2013, 6, 5)),
        ({"date": "2013-12-05 00:00:00"}, date(2013, 12, 5)),
        (php("2024-02-29 00:00:00"), date(2024, 2, 29)),
    ],
)
def test_a_day_is_the_day_in_london(value: Any, expected: date | None) -> None:
    assert day(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        (php("2025-09-14 03:55:10.000000", "UTC"), datetime(2025, 9, 14, 3, 55, 10, tzinfo=UTC)),
        (php("2025-09-14 03:55:10", "UTC"), datetime(2025, 9, 14, 3, 55, 10, tzinfo=UTC)),
        (php("2025-09-14 03:55:10.25", "UTC"), datetime(2025, 9, 14, 3, 55, 10, 250_000, tzinfo=UTC)),
        (php("2025-09-14 03:55:10", "Europe/London"), datetime(2025, 9, 14, 2, 55, 10, tzinfo=UTC)),
        (php("2025-09-14 03:55:10", "-05:00", 1), datetime(2025, 9, 14, 8, 55, 10, tzinfo=UTC)),
        ("2025-09-14 03:55", datetime(2025, 9, 14, 3, 55, tzinfo=UTC)),
        ("2025-09-14", datetime(2025, 9, 14, tzinfo=UTC)),
        ("2025-09-14T03:55:10+02:00", datetime(2025, 9, 14, 1, 55, 10, tzinfo=UTC)),
    ],
)
def test_a_moment_is_aware_and_in_utc(value: Any, expected: datetime | None) -> None:
    found = moment(value)
    assert found == expected
    assert found is None or found.tzinfo is UTC


def test_a_moment_without_a_zone_is_in_the_one_the_partner_means() -> None:
    local = Moments("updated_at", LONDON)
    assert local[b'"2025-06-14T03:55:10.03"'] == datetime(2025, 6, 14, 2, 55, 10, 30_000, tzinfo=UTC)
    assert local[b'"2025-06-14T03:55:10Z"'] == datetime(2025, 6, 14, 3, 55, 10, tzinfo=UTC)
    assert local[b'"2025-06-14"'] == datetime(2025, 6, 13, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        php("0000-00-00 00:00:00.000000"),
        php("-0001-11-30 00:00:00.000000"),
        php("0001-01-01 00:00:00", "Asia/Tokyo"),
        php("2025-02-31 00:00:00.000000"),
        php("2023-02-29 00:00:00.000000"),
        php("2025-13-01 00:00:00.000000"),
        php("2025-01-01 25:00:00.000000"),
        php("2025-01-01 00:00:00.000000", "Mars/Base"),
        php("2025-01-01 00:00:00.000000", "../../etc/passwd"),
        php("2025-01-01 00:00:00.000000", ""),
        php(""),
        {"timezone": "UTC"},
        {"date": None},
        {"date": 5},
        "05/11/2013",
        "20131105",
        "2013-W45-2",
        "\N{ARABIC-INDIC DIGIT TWO}013-11-05",
        "tomorrow",
        " ",
        20131105,
        True,
        [],
    ],
)
def test_what_is_no_date_is_refused_by_name(value: Any) -> None:
    with pytest.raises(BadValue, match=r"^born: "):
        day(value)
    with pytest.raises(BadValue, match=r"^updated_at: "):
        moment(value)


@given(st.datetimes(*YEARS), ZONES)
def test_any_moment_survives_any_zone(clock: datetime, zone: str) -> None:
    expected = clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    sent = clock.strftime("%Y-%m-%d %H:%M:%S.%f")
    assert moment(php(sent, zone)) == expected
    assert day(php(sent, zone)) == expected.astimezone(LONDON).date()


@given(st.datetimes(*YEARS), st.integers(-14 * 60, 14 * 60))
def test_any_offset_is_applied(clock: datetime, minutes: int) -> None:
    offset = timezone(timedelta(minutes=minutes))
    sent = clock.replace(tzinfo=offset)
    assert moment(sent.isoformat()) == sent
    assert moment(php(clock.isoformat(sep=" "), sent.isoformat()[-6:], 1)) == sent


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_both_forms_of_a_day_mean_the_same(expected: date) -> None:
    assert day(expected.isoformat()) == expected
    assert day(php(f"{expected} 00:00:00.000000")) == expected


@given(st.one_of(st.text(), st.binary().map(repr), st.dictionaries(st.text(max_size=8), st.text(), max_size=3)))
def test_nothing_but_a_date_or_a_refusal_comes_back(value: Any) -> None:
    for read, kind in ((day, date), (moment, datetime)):
        try:
            found = read(value)
        except BadValue:
            continue
        assert found is None or isinstance(found, kind)


@given(st.binary())
def test_bytes_that_are_not_json_are_refused(raw: bytes) -> None:
    try:
        found = Days("born")[raw]
    except BadValue:
        return
    assert found is None or isinstance(found, date)


def test_the_cache_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "CACHE_SIZE", 10)
    days = Days("born")
    for number in range(100):
        assert days[f'"2025-01-{number % 28 + 1:02}"'.encode()] == date(2025, 1, number % 28 + 1)
        assert len(days) <= 10


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((yes, True) for yes in (True, 1, "1", "Y", "y", "Yes", "TRUE", " true ")),
        *((no, False) for no in (False, 0, "0", "N", "no", "False")),
        *((unknown, None) for unknown in (None, "", " ", "U", "R", "Refused", "unknown")),
    ],
)
def test_flags(value: Any, expected: bool | None) -> None:
    assert flag("fsm", value) is expected


@pytest.mark.parametrize("value", [2, -1, 0.5, "maybe", "YN", "Applied for"])
def test_an_unknown_flag_is_refused(value: Any) -> None:
    with pytest.raises(BadValue, match=r"^fsm: .*neither yes nor no"):
        flag("fsm", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("MALE", "M"),
        ("male", "M"),
        ("F", "F"),
        ("Female", "F"),
        (None, None),
        ("", None),
        ("Redacted for privacy", None),
        ("not stated / inadequately described", None),
        ("other", None),
    ],
)
def test_sex(value: str | None, expected: str | None) -> None:
    assert sex("gender", value) == expected


def test_an_unknown_sex_is_refused() -> None:
    with pytest.raises(BadValue, match=r"^gender: 'boy'"):
        sex("gender", "boy")


@given(st.integers(values.SMALLINT_MIN, values.SMALLINT_MAX))
def test_small_numbers_come_as_number_or_digits(number: int) -> None:
    assert small("rank", number) == small("rank", str(number)) == small("rank", float(number)) == number


@pytest.mark.parametrize(
    "value",
    [
        32_768,
        -32_769,
        4.5,
        "4.0",
        "1_0",
        "\N{ARABIC-INDIC DIGIT THREE}",
        "four",
        " 4",
        float("nan"),
        float("inf"),
        "9" * 5000,
    ],
)
def test_what_does_not_fit_a_smallint_is_refused(value: Any) -> None:
    with pytest.raises(BadValue, match=r"^rank: "):
        small("rank", value)


def test_a_reason_quotes_a_long_value_in_part() -> None:
    with pytest.raises(BadValue) as caught:
        flag("fsm", "perhaps " * 10_000)
    assert len(str(caught.value)) < 150


def test_text_is_kept_as_received() -> None:
    assert [text(value) for value in (None, "", " ", "Zoë", 104, 10.5)] == [None, None, " ", "Zoë", "104", "10.5"]
