"""What is to be extracted next: every school's categories at their own cadence, and never all schools at once.

A category has windows, spans of the day in which it is read: all of them at night, the registers also twice a day after
they close. Within a window every school has its own minute, by its place among the schools, so that the partner is
asked evenly from the first minute to the last and neighbours in the list, which one run can take together, come
together. What a partner may be asked in a day is a budget; registers come first, then what has waited longest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import class_row

from orchestration.ingest.categories import CATEGORIES, Category

_ZONE = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of the day, from ``begins`` on for ``length``, by the clock in London; ``weekdays`` alone or every day."""

    begins: time
    length: timedelta
    weekdays: bool = False


#: Partners finish their own nightly copies from midnight to three (source_apis.md 2.2: caches are refreshed about
#: 03:00), and readers come at seven. The evening is as good: the school's day is in.
NIGHT = Window(time(18, 30), timedelta(hours=10, minutes=30))
#: Registers close by half past nine and after lunch by two; partners read the MIS within the hour after that.
MORNING = Window(time(10, 0), timedelta(hours=2), weekdays=True)
AFTERNOON = Window(time(14, 30), timedelta(hours=2), weekdays=True)

_BY_DAY: Mapping[Category, tuple[Window, ...]] = {Category.ATTENDANCE: (MORNING, AFTERNOON)}

#: Registers first: they are what a school looks at tomorrow morning.
_ORDER = (
    Category.ATTENDANCE,
    Category.BASIC,
    Category.ASSESSMENT,
    Category.STAFF,
    Category.DEMOGRAPHICS,
    Category.TIMETABLE,
)

#: How long a failure is waited after, doubling up to a day: a school that is away must not cost the others' budget.
_FIRST_PAUSE = timedelta(hours=1)
_LONGEST_PAUSE = timedelta(days=1)
#: Requests that an extract is taken to need before there has been one.
_UNKNOWN_REQUESTS = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a school's category stands. ``accepted_at`` is when its last accepted extract began, ``attempted_at`` when
    the last one did; ``failures`` counts those that were not accepted since; ``requests`` is what the last one took.
    """

    school_id: int
    partner: str
    category: Category
    accepted_at: datetime | None
    attempted_at: datetime | None
    failures: int
    requests: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """A category of a school, when it is due, and what it will take."""

    school_id: int
    partner: str
    category: Category
    due_at: datetime
    requests: int


def due_at(standing: Standing, place: float, now: datetime) -> datetime:
    """When a category is to be extracted next. ``place`` is the school's among all, from 0 to less than 1.

    At once when it never was; at the school's minute of a window otherwise, by night once the cadence has passed.
    """
    if standing.failures and standing.attempted_at is not None:
        pause = min(_FIRST_PAUSE * (1 << min(standing.failures - 1, 5)), _LONGEST_PAUSE)
        return standing.attempted_at + pause
    last = standing.accepted_at
    if last is None:
        return now
    # Half a day less than the cadence: tonight's minute may be a little earlier than last night's extract ended.
    by_night = last + CATEGORIES[standing.category].cadence - timedelta(hours=12)
    found = [_next(NIGHT, place, by_night)]
    found += [_next(window, place, last) for window in _BY_DAY.get(standing.category, ())]
    return min(found)


def _next(window: Window, place: float, after: datetime) -> datetime:
    """The school's first minute in the window that is later than ``after``."""
    day = after.astimezone(_ZONE).date() - timedelta(days=1)
    while True:
        minute = datetime.combine(day, window.begins, _ZONE) + timedelta(seconds=place * window.length.total_seconds())
        if minute > after and not (window.weekdays and day.isoweekday() > 5):
            return minute
        day += timedelta(days=1)


def work_out(standings: Sequence[Standing], now: datetime) -> list[Entry]:
    """When each category is due; by school, in the order of the categories."""
    places = {school_id: place for place, school_id in enumerate(sorted({s.school_id for s in standings}))}
    return [
        Entry(
            standing.school_id,
            standing.partner,
            standing.category,
            due_at(standing, places[standing.school_id] / len(places), now),
            standing.requests or _UNKNOWN_REQUESTS,
        )
        for standing in standings
    ]


def within_budget(
    entries: Sequence[Entry], now: datetime, spent: Mapping[str, int], budget: int | None
) -> dict[Category, list[int]]:
    """The schools to extract now, by category in the order to go in; what the budget does not allow stays due.

    ``spent`` is what each partner was asked in the last day, ``budget`` what it may be asked; None is no limit.
    """
    asked = Counter(spent)
    chosen: dict[Category, list[int]] = defaultdict(list)
    due = [entry for entry in entries if entry.due_at <= now]
    for entry in sorted(due, key=lambda entry: (_ORDER.index(entry.category), entry.due_at, entry.school_id)):
        if budget is not None and asked[entry.partner] + entry.requests > budget:
            continue
        asked[entry.partner] += entry.requests
        chosen[entry.category].append(entry.school_id)
    return {category: sorted(chosen[category]) for category in _ORDER if category in chosen}


def refresh(conn: psycopg.Connection[Any], now: datetime) -> list[Entry]:
    """Work the agenda out anew and enter it in ``ops.agenda``."""
    entries = work_out(standings(conn), now)
    with conn.transaction():
        # Two that write it anew at once would enter the same rows: the page of connections, the sensor, the job.
        conn.execute("lock table ops.agenda in share row exclusive mode")
        conn.execute("delete from ops.agenda")
        with conn.cursor().copy("copy ops.agenda (school_id, category, due_at) from stdin") as copy:
            for entry in entries:
                copy.write_row((entry.school_id, entry.category.value, entry.due_at))
    return entries


def plan(conn: psycopg.Connection[Any], now: datetime, budget: int | None) -> dict[Category, list[int]]:
    """Work the agenda out anew, enter it in ``ops.agenda``, and return what is to be extracted now."""
    entries = refresh(conn, now)
    spent = conn.execute(
        "select source.partner, coalesce(sum(extract.pages), 0)::integer from ops.extract as extract"
        " inner join ops.source as source using (source_id)"
        " where extract.started_at > %s - interval '1 day' group by 1",
        (now,),
    ).fetchall()
    return within_budget(entries, now, dict(spent), budget)


def backfill(conn: psycopg.Connection[Any], schools: int, history_from: date | None) -> list[int]:
    """Schools, at most so many, whose marks of earlier years, back to ``history_from`` where there is such a day, have
    not been read yet; who came first goes first.
    """
    rows = conn.execute(
        "select school_id from ops.watermark inner join ops.school as school using (school_id)"
        " where category = %s and covers_from > coalesce(%s::date, '-infinity') and school.state = 'approved'"
        " order by extract_id limit %s",
        (Category.ATTENDANCE.value, history_from, schools),
    )
    return sorted(school_id for (school_id,) in rows)


def standings(conn: psycopg.Connection[Any]) -> list[Standing]:
    """Where every category of every approved school stands."""
    with conn.cursor(row_factory=class_row(_Row)) as cursor:
        cursor.execute(
            """
            select
                school.school_id, school.partner, asked.category, accepted.started_at as accepted_at,
                since.attempted_at, coalesce(since.failures, 0) as failures, accepted.pages as requests
            from ops.school as school
            cross join unnest(%s::text[]) as asked (category)
            left join lateral (
                select extract_id, started_at, pages from ops.extract as extract
                where extract.school_id = school.school_id and extract.category = asked.category
                    and extract.state = 'loaded' and extract.source_id = school.source_id
                order by extract_id desc limit 1
            ) as accepted on true
            left join lateral (
                select count(*)::integer as failures, max(started_at) as attempted_at from ops.extract as extract
                where extract.school_id = school.school_id and extract.category = asked.category
                    and extract.extract_id > coalesce(accepted.extract_id, 0) and extract.state in ('held', 'failed')
                    and extract.source_id = school.source_id
            ) as since on true
            where school.state = 'approved'
            order by 1, 3
            """,
            ([category.value for category in Category],),
        )
        return [row.standing() for row in cursor]


@dataclass(frozen=True, slots=True)
class _Row:
    school_id: int
    partner: str
    category: str
    accepted_at: datetime | None
    attempted_at: datetime | None
    failures: int
    requests: int | None

    def standing(self) -> Standing:
        return Standing(
            self.school_id,
            self.partner,
            Category(self.category),
            self.accepted_at,
            self.attempted_at,
            self.failures,
            self.requests,
        )
