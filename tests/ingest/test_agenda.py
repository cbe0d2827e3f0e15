"""What is due when: cadences, every school's own minute, failures that wait, and a budget that is kept."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from fake_partner import pupil
from hypothesis import given
from hypothesis import strategies as st
from trial import Trial

from orchestration.ingest import agenda
from orchestration.ingest.agenda import Entry, Standing, due_at, within_budget, work_out
from orchestration.ingest.categories import CATEGORIES, Category

#: A Wednesday in term, summer time: 20:00 in London.
NOW = datetime(2025, 7, 2, 19, 0, tzinfo=UTC)


def standing(category: Category = Category.BASIC, school_id: int = 1, **fields: object) -> Standing:
    values = {"accepted_at": None, "attempted_at": None, "failures": 0, "requests": 10} | fields
    return Standing(school_id, "wonde", category, **values)  # type: ignore[arg-type]


def test_what_was_never_extracted_is_due_at_once() -> None:
    assert due_at(standing(), 0.5, NOW) == NOW


@pytest.mark.parametrize(
    ("category", "accepted_at", "place", "due"),
    [
        # The night's window is from 18:30 to 05:00 in London; half of it is over at 23:45.
        (Category.BASIC, datetime(2025, 7, 2, 22, 50, tzinfo=UTC), 0.5, datetime(2025, 7, 3, 22, 45, tzinfo=UTC)),
        (Category.TIMETABLE, datetime(2025, 7, 2, 22, 50, tzinfo=UTC), 0.5, datetime(2025, 7, 9, 22, 45, tzinfo=UTC)),
        # Registers come again at eleven, half of the morning's two hours, and at half past three.
        (Category.ATTENDANCE, datetime(2025, 7, 2, 22, 50, tzinfo=UTC), 0.5, datetime(2025, 7, 3, 10, 0, tzinfo=UTC)),
        (Category.ATTENDANCE, datetime(2025, 7, 3, 10, 5, tzinfo=UTC), 0.5, datetime(2025, 7, 3, 14, 30, tzinfo=UTC)),
        # Nobody takes a register on Saturday.
        (Category.ATTENDANCE, datetime(2025, 7, 4, 22, 50, tzinfo=UTC), 0.5, datetime(2025, 7, 5, 22, 45, tzinfo=UTC)),
        # In winter London's clock is UTC's.
        (Category.BASIC, datetime(2025, 1, 8, 23, 50, tzinfo=UTC), 0.5, datetime(2025, 1, 9, 23, 45, tzinfo=UTC)),
    ],
)
def test_a_category_is_due_at_the_schools_minute_of_its_next_window(
    category: Category, accepted_at: datetime, place: float, due: datetime
) -> None:
    assert due_at(standing(category, accepted_at=accepted_at), place, NOW) == due


@pytest.mark.parametrize(("failures", "hours"), [(1, 1), (2, 2), (4, 8), (6, 24), (60, 24)])
def test_a_failure_is_waited_after_longer_each_time(failures: int, hours: int) -> None:
    failed = standing(attempted_at=NOW, failures=failures, accepted_at=NOW - timedelta(days=3))
    assert due_at(failed, 0.5, NOW) == NOW + timedelta(hours=hours)


@given(st.sampled_from(Category), st.integers(0, 60 * 24 * 400), st.floats(0, 0.999))
def test_a_category_never_waits_longer_than_its_cadence_and_a_day(
    category: Category, minutes: int, place: float
) -> None:
    accepted = NOW + timedelta(minutes=minutes)
    due = due_at(standing(category, accepted_at=accepted), place, NOW)
    assert accepted < due <= accepted + CATEGORIES[category].cadence + timedelta(days=1, hours=1)


def test_a_thousand_schools_are_spread_over_the_night_and_neighbours_come_together() -> None:
    accepted = datetime(2025, 7, 2, 22, 50, tzinfo=UTC)
    entries = work_out([standing(school_id=number, accepted_at=accepted) for number in range(1000)], NOW)
    assert [entry.school_id for entry in sorted(entries, key=lambda entry: (entry.due_at, entry.school_id))][:3]
    quarters = Counter(int((entry.due_at - accepted).total_seconds() // 900) for entry in entries)
    assert max(quarters.values()) <= 1000 / 42 + 1
    for quarter in quarters:
        at_once = sorted(e.school_id for e in entries if (e.due_at - accepted).total_seconds() // 900 == quarter)
        assert at_once == list(range(at_once[0], at_once[-1] + 1)) or 0 in at_once or 999 in at_once


def entry(category: Category, school_id: int, requests: int = 10, partner: str = "wonde", minutes: int = -1) -> Entry:
    return Entry(school_id, partner, category, NOW + timedelta(minutes=minutes), requests)


def test_a_budget_is_kept_by_partner_registers_first_and_the_rest_stays_due() -> None:
    entries = [
        entry(Category.BASIC, 1),
        entry(Category.ATTENDANCE, 2),
        entry(Category.ATTENDANCE, 1, minutes=-9),
        entry(Category.BASIC, 3, partner="groupcall"),
        entry(Category.BASIC, 4, minutes=1),
    ]
    assert within_budget(entries, NOW, {"wonde": 75}, 100) == {Category.ATTENDANCE: [1, 2], Category.BASIC: [3]}
    assert within_budget(entries, NOW, {"wonde": 75}, 95) == {Category.ATTENDANCE: [1, 2], Category.BASIC: [3]}
    assert within_budget(entries, NOW, {"wonde": 76}, 95) == {Category.ATTENDANCE: [1], Category.BASIC: [3]}
    assert within_budget(entries, NOW, {"wonde": 10_000}, None) == {
        Category.ATTENDANCE: [1, 2],
        Category.BASIC: [1, 3],
    }


def test_the_plan_is_made_of_what_the_log_of_extracts_says(trial: Trial) -> None:
    with trial.warehouse.connect() as conn:
        ((now,),) = conn.execute("select now()").fetchall()
        assert agenda.plan(conn, now, None) == {category: [trial.ids["A"]] for category in agenda._ORDER}
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    with trial.warehouse.connect() as conn:
        ((now,),) = conn.execute("select now()").fetchall()
        plan = agenda.plan(conn, now, None)
        assert Category.BASIC not in plan
        assert Category.STAFF in plan
        assert agenda.plan(conn, now + timedelta(days=2), None)[Category.BASIC] == [trial.ids["A"]]
        assert agenda.plan(conn, now, 1) == {}
    trial.partner["A"].state = "revoked"
    trial.register()
    with trial.warehouse.connect() as conn:
        assert agenda.plan(conn, now + timedelta(days=2), None) == {}


def test_two_that_work_the_agenda_out_at_once_do_not_enter_it_twice(trial: Trial) -> None:
    """The page of connections, the sensor and the job all do."""
    now = datetime.now(UTC)
    with ThreadPoolExecutor() as pool, trial.warehouse.connect() as first:
        agenda.refresh(first, now)

        def again() -> None:
            with trial.warehouse.connect() as second:
                agenda.refresh(second, now)

        waiting = pool.submit(again)
        blocked = (
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
        while trial.query(blocked) == [(0,)]:
            assert not waiting.done()
        first.commit()
        waiting.result()
    assert trial.query("select count(*) from ops.agenda") == [(len(Category),)]
