"""``mis status``: schools, last extracts, what is held or in quarantine, what is published."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class SchoolStatus:
    """A school, its latest accepted extract, and what of it wants somebody's eyes."""

    school_id: int
    name: str
    partner: str
    state: str
    last_accepted: datetime | None
    held: list[str]
    failed: list[str]
    quarantined: int


@dataclass(frozen=True)
class PublishedStatus:
    """The release that a purpose's readers see."""

    purpose: str
    schema_name: str
    published_at: datetime


@dataclass(frozen=True)
class Status:
    """All of it."""

    schools: list[SchoolStatus]
    published: list[PublishedStatus]

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return asdict(self)


#: What came in files says nothing of how a school's partner was read last.
_SCHOOLS = """
with read as (
    select extract.*
    from ops.extract as extract
    inner join ops.source as source using (source_id)
    where source.partner <> 'file'
),

latest as (
    select distinct on (school_id, category) school_id, category, state
    from read
    where state <> 'running'
    order by school_id, category, extract_id desc
),

accepted as (
    select school_id, max(finished_at) as last_accepted
    from read
    where state = 'loaded'
    group by school_id
),

waiting as (
    select school_id, count(*)::int as quarantined
    from quarantine.row
    where state = 'open'
    group by school_id
)

select school.school_id,
       school.name,
       school.partner,
       school.state,
       accepted.last_accepted,
       coalesce((select array_agg(l.category order by l.category) from latest as l
                 where l.school_id = school.school_id and l.state = 'held'), '{}') as held,
       coalesce((select array_agg(l.category order by l.category) from latest as l
                 where l.school_id = school.school_id and l.state = 'failed'), '{}') as failed,
       coalesce(waiting.quarantined, 0) as quarantined
from ops.school as school
left join accepted on accepted.school_id = school.school_id
left join waiting on waiting.school_id = school.school_id
order by school.school_id
"""

_PUBLISHED = """
select purpose, schema_name, published_at from ops.release where state = 'published' order by purpose
"""


def read_status(connection: psycopg.Connection[Any]) -> Status:
    """The state of the installation as its own tables tell it."""
    with connection.cursor(row_factory=class_row(SchoolStatus)) as cursor:
        schools = cursor.execute(_SCHOOLS).fetchall()
    with connection.cursor(row_factory=class_row(PublishedStatus)) as cursor:
        published = cursor.execute(_PUBLISHED).fetchall()
    return Status(schools, published)


def show(status: Status, console: Console) -> None:
    """Print it for people."""
    table = Table("id", "school", "partner", "state", "last accepted", "held", "failed", "in quarantine")
    for s in status.schools:
        accepted = f"{s.last_accepted:%Y-%m-%d %H:%M}" if s.last_accepted else "never"
        waiting = str(s.quarantined or "")
        table.add_row(
            str(s.school_id), s.name, s.partner, s.state, accepted, ", ".join(s.held), ", ".join(s.failed), waiting
        )
    console.print(table)
    for p in status.published:
        console.print(f"{p.purpose}: {p.schema_name}, published {p.published_at:%Y-%m-%d %H:%M}")
    if not status.schools:
        console.print("No school yet. `mis run` asks the partner for its lists and extracts what is approved.")
