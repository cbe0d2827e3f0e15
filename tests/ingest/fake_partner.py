"""A partner in memory: enough of one to drive the extract loop, with every fault at hand and every request counted."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Self

from orchestration.connectors.base import (
    BadRow,
    Decoded,
    Mode,
    Page,
    Row,
    Rows,
    School,
    SchoolState,
    Scope,
    Stream,
    Value,
)
from orchestration.connectors.errors import MalformedPage, SchoolNotAvailable, ScopeNotGranted
from orchestration.ingest.categories import CATEGORIES, Category

#: Streams of the categories that the tests extract. A record of a stream is a dictionary of its table's columns.
STREAMS: dict[Category, tuple[Stream, ...]] = {
    Category.BASIC: (
        Stream("students", ("pupil",), incremental=True),
        Stream("students-leaver", ("pupil",), incremental=True, optional=True),
    ),
    Category.DEMOGRAPHICS: (Stream("census", ("pupil_demographics",), incremental=True),),
    Category.TIMETABLE: (
        Stream("subjects", ("subject",), incremental=True, optional=True),
        Stream("classes", ("teaching_group", "group_pupil", "group_staff"), incremental=False),
    ),
    Category.ATTENDANCE: (
        Stream("codes", ("attendance_code",), incremental=False),
        Stream("session", ("attendance_mark",), incremental=True),
        Stream("exclusions", ("exclusion",), incremental=True, optional=True),
    ),
}

Record = dict[str, Any]


@dataclass
class FakeSchool:
    """One school at the partner: its records by stream, and what is wrong with it."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    state: SchoolState = "approved"
    denied: set[str] = field(default_factory=set)
    scopes: dict[str, bool] = field(default_factory=dict)
    incomplete: set[str] = field(default_factory=set)

    def put(self, stream: str, *records: Record) -> None:
        """Replace the records of a stream."""
        self.records[stream] = list(records)


class FakePartner:
    """See ``connectors.base.Partner``.

    ``clock`` is the time it tells. ``requests`` has every page asked for: school, stream, number. ``before_page`` is
    called with the same before a page is given; what it raises is the partner's failure.
    """

    name = "fake"

    def __init__(self, schools: Iterable[str] = (), *, page_size: int = 2) -> None:
        self.schools_at_partner = {school: FakeSchool() for school in schools}
        self.page_size = page_size
        self.clock = datetime(2025, 7, 18, 18, 0, tzinfo=UTC)
        self.requests: list[tuple[str, str, int]] = []
        self.before_page: Callable[[str, str, int], None] = lambda school, stream, number: None

    def __getitem__(self, school: str) -> FakeSchool:
        return self.schools_at_partner[school]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def school(self, partner_school_id: str) -> School | None:
        known = self.schools_at_partner.get(partner_school_id)
        return self.listed(partner_school_id) if known and known.state == "approved" else None

    async def schools(self, known: Collection[str] = ()) -> list[School]:
        return [self.listed(name) for name in self.schools_at_partner]

    def listed(self, name: str) -> School:
        """The school as the partner lists it."""
        return School(
            "fake", name, f"School {name}", None, "301", "4000", "PRIMARY", "SIMS", "Europe/London", self[name].state
        )

    async def scopes(self, school: School) -> list[Scope]:
        return [Scope(name, granted) for name, granted in self[school.partner_school_id].scopes.items()]

    def streams(self, category: Category, mode: Mode) -> tuple[Stream, ...]:
        if mode == "incremental":
            return STREAMS[category]
        return tuple(Stream(s.name, s.tables, incremental=False, optional=s.optional) for s in STREAMS[category])

    async def pages(
        self,
        school: School,
        stream: Stream,
        *,
        updated_after: datetime | None,
        cursor: str | None = None,
        this_year: bool = False,
        resume_from: str | None = None,
        first_number: int = 1,
    ) -> AsyncIterator[Page]:
        name = school.partner_school_id
        number = first_number
        while True:
            self.requests.append((name, stream.name, number))
            self.before_page(name, stream.name, number)
            if self[name].state != "approved":
                raise SchoolNotAvailable("gone", status=404)
            if stream.name in self[name].denied:
                raise ScopeNotGranted(f"Scope {stream.name}.read not enabled", status=403)
            records = [
                record
                for record in self[name].records.get(stream.name, [])
                if not (stream.incremental and updated_after) or _updated(record) >= updated_after
            ]
            start = (number - 1) * self.page_size
            body = json.dumps({"data": records[start : start + self.page_size]}).encode()
            more = len(records) > start + self.page_size
            yield Page(
                stream.name, number, body, f"fake://{name}/{stream.name}/{number + 1}" if more else None, self.clock
            )
            if not more:
                return
            number += 1

    def decoder(self, category: Category) -> FakeDecoder:
        return FakeDecoder(category, self.incomplete_tables)

    def notices(self, school: School) -> tuple[str, ...]:
        return ()

    @property
    def incomplete_tables(self) -> frozenset[str]:
        """Tables that some school's MIS cannot fill."""
        return frozenset(table for school in self.schools_at_partner.values() for table in school.incomplete)


class FakeDecoder:
    """A record becomes a row of its stream's first table; ``"undecodable"`` in it makes it a bad one.

    Records of other tables stand in the members ``also`` of a record: table to list of records.
    """

    def __init__(self, category: Category, incomplete: frozenset[str]) -> None:
        self._tables = {table.name: table for table in CATEGORIES[category].tables}
        self._streams = {stream.name: stream for stream in STREAMS[category]}
        self.incomplete = incomplete

    def decode(self, stream_name: str, body: bytes) -> Decoded:
        try:
            records = json.loads(body)["data"]
        except (ValueError, KeyError):
            raise MalformedPage("no data list") from None
        table = self._streams[stream_name].tables[0]
        rows: dict[str, list[Row]] = {name: [] for name in self._streams[stream_name].tables}
        bad = []
        for record in records:
            if "undecodable" in record:
                bad.append(BadRow(table, json.dumps(record).encode(), "the field undecodable is set"))
                continue
            rows[table].append(self._row(table, record))
            for other, members in record.get("also", {}).items():
                rows[other] += [self._row(other, member) for member in members]
        return Decoded([Rows(name, found) for name, found in rows.items()], bad)

    def _row(self, table: str, record: Record) -> Row:
        return tuple(_value(field.sql_type, record.get(field.name)) for field in self._tables[table].fields)


def _value(sql_type: str, value: Any) -> Value:
    if value is None:
        return None
    if sql_type == "date":
        return date.fromisoformat(value)
    if sql_type == "timestamptz":
        return datetime.fromisoformat(value)
    return value  # type: ignore[no-any-return]


def _updated(record: Record) -> datetime:
    return datetime.fromisoformat(record["source_updated_at"])


def pupil(number: int, *, updated: str = "2025-07-01T09:00:00+00:00", **fields: Any) -> Record:
    """A pupil that keeps every rule of the suite for ``raw.pupil``."""
    return {
        "id": f"P{number}",
        "pupil_id": f"P{number}",
        "person_id": str(5000 + number),
        "upi": f"{number:032x}",
        "forename": "Ada",
        "surname": f"Reed {number}",
        "sex": "F",
        "date_of_birth": "2012-03-04",
        "upn": f"A{number:012d}",
        "nc_year": "8",
        "admission_date": "2023-09-01",
        "is_leaver": False,
        "source_updated_at": updated,
    } | fields


def mark(number: int, day: str = "2025-07-01", *, updated: str = "2025-07-01T09:00:00+00:00", **fields: Any) -> Record:
    """A register mark that keeps every rule of the suite for ``raw.attendance_mark``."""
    return {
        "id": f"M{number}-{day}",
        "pupil_id": f"P{number}",
        "mark_date": day,
        "session": "AM",
        "code": "/",
        "mark_id": f"M{number}-{day}",
        "source_updated_at": updated,
    } | fields
