"""How the connections stand, for people: the UI's table, ``mis connections list``, and which application uses what."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from orchestration.ingest.categories import Category


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """A school's connection through one partner, and where its extracts stand.

    ``serves``: the school is read through it. ``scopes`` counts what is granted of what the partner knows.
    ``last_extract`` is when something of it was last accepted, ``next_extract`` the earliest of its categories in the
    agenda. ``rows_last_extracted`` are what the partner sent in the last extract of each category; ``held`` and
    ``failed`` name categories whose last extract ended so, ``reasons`` why; ``quarantined`` counts open rows.
    """

    school_id: int
    name: str
    partner: str
    partner_school_id: str
    mis: str | None
    state: str
    state_since: datetime
    serves: bool
    scopes_granted: int
    scopes_asked: int
    last_extract: datetime | None
    next_extract: datetime | None
    rows_last_extracted: int
    quarantined: int
    held: list[str]
    failed: list[str]
    reasons: list[str]
    delete_after: datetime | None

    @property
    def may_be_read(self) -> bool:
        """Whether the school is read through it, and may be."""
        return self.serves and self.state == "approved"

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the ledger of consent."""

    happened_at: datetime
    school_id: int
    name: str
    partner: str
    kind: str
    scope: str | None
    before: str | None
    after: str | None
    learned_from: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """What one of our applications may do with one category of a school's data: a row of ``ops.data_use``."""

    school_id: int
    name: str
    application: str
    purpose: str
    category: str
    is_used: bool
    state: str
    since: datetime | None
    last_read: datetime | None


_STATUS = """
with candidate as (
    select connection.*, school.name, school.mis, as_served.serves
    from ops.connection as connection
    inner join ops.school as school using (school_id)
    cross join lateral (
        select (connection.partner, connection.partner_school_id) = (school.partner, school.partner_school_id) as serves
    ) as as_served
    where connection.application = %(application)s
        and (%(school)s::integer is null or connection.school_id = %(school)s)
        and connection.school_id > %(after)s
        and strpos(lower(school.name), lower(%(named)s)) > 0
    order by connection.school_id, connection.connection_id
    -- Which schools are in trouble is known only when all of them have been looked at.
    limit case when %(in_trouble)s then null else %(limit)s::bigint end
),

latest as (
    select of_school.school_id, asked.category, last.state, last.rows_extracted, last.message
    from (select distinct school_id from candidate) as of_school
    cross join unnest(%(categories)s::text[]) as asked (category)
    cross join lateral (
        select extract.state, extract.rows_extracted, extract.message
        from ops.extract as extract
        inner join ops.source as source using (source_id)
        where extract.school_id = of_school.school_id and extract.category = asked.category
            and extract.state <> 'running' and source.partner <> 'file'
        order by extract.extract_id desc limit 1
    ) as last
),

by_school as (
    select
        school_id,
        sum(rows_extracted) as rows_last_extracted,
        coalesce(array_agg(category order by category) filter (where state = 'held'), '{}') as held,
        coalesce(array_agg(category order by category) filter (where state = 'failed'), '{}') as failed,
        coalesce(
            array_agg(concat(category, ': ', message) order by category) filter (where state in ('held', 'failed')),
            '{}'
        ) as reasons
    from latest
    group by school_id
),

waiting as (
    select school_id, count(*) as quarantined
    from quarantine.row
    where state = 'open' and school_id in (select school_id from candidate)
    group by school_id
),

shown as (
    select
        candidate.*,
        coalesce(by_school.rows_last_extracted, 0)::bigint as rows_last_extracted,
        coalesce(waiting.quarantined, 0)::bigint as quarantined,
        coalesce(by_school.held, '{}') as held,
        coalesce(by_school.failed, '{}') as failed,
        coalesce(by_school.reasons, '{}') as reasons
    from candidate
    left join by_school using (school_id)
    left join waiting using (school_id)
    where not %(in_trouble)s
        or serves and (cardinality(by_school.reasons) > 0 or waiting.quarantined > 0)
    order by candidate.school_id, candidate.connection_id
    limit %(limit)s
),

accepted as (
    select watermark.school_id, max(extract.finished_at) as last_extract
    from ops.watermark as watermark
    inner join ops.extract as extract using (extract_id)
    where watermark.school_id in (select school_id from shown)
    group by watermark.school_id
),

scopes as (
    select connection_id, count(*) filter (where granted) as granted, count(*) as asked
    from ops.connection_scope
    where connection_id in (select connection_id from shown)
    group by connection_id
),

due as (
    select school_id, min(due_at) as next_extract
    from ops.agenda
    where school_id in (select school_id from shown)
    group by school_id
)

select
    shown.school_id,
    shown.name,
    shown.partner,
    shown.partner_school_id,
    case when shown.serves then shown.mis end as mis,
    shown.state,
    shown.state_since,
    shown.serves,
    coalesce(scopes.granted, 0) as scopes_granted,
    coalesce(scopes.asked, 0) as scopes_asked,
    accepted.last_extract,
    case when shown.serves and shown.state = 'approved' then due.next_extract end as next_extract,
    shown.rows_last_extracted,
    shown.quarantined,
    shown.held,
    shown.failed,
    shown.reasons,
    shown.delete_after
from shown
left join accepted using (school_id)
left join scopes using (connection_id)
left join due using (school_id)
order by shown.school_id, shown.connection_id
"""


def statuses(
    conn: psycopg.Connection[Any],
    application: str,
    school_id: int | None = None,
    *,
    named: str = "",
    in_trouble: bool = False,
    after: int = 0,
    limit: int | None = None,
) -> list[ConnectionStatus]:
    """Connections of an application, of one school if given; by school, from the one after ``after`` on, the first
    ``limit``.

    ``named``: only of schools with this in their name. ``in_trouble``: only those of which something is held, failed or
    in quarantine.
    """
    with conn.cursor(row_factory=class_row(ConnectionStatus)) as cursor:
        cursor.execute(
            _STATUS.encode(),
            {
                "application": application,
                "school": school_id,
                "named": named,
                "in_trouble": in_trouble,
                "after": after,
                "limit": limit,
                "categories": [category.value for category in Category],
            },
        )
        return cursor.fetchall()


def ledger(conn: psycopg.Connection[Any], school_id: int | None = None) -> list[Event]:
    """Every change of connections, of one school if given; the oldest first."""
    with conn.cursor(row_factory=class_row(Event)) as cursor:
        cursor.execute(
            """
            select happened_at, connection.school_id, school.name, connection.partner, kind, scope, before, after,
                learned_from, reason
            from ops.connection_event
            inner join ops.connection as connection using (connection_id)
            inner join ops.school as school using (school_id)
            where %(school)s::integer is null or school_id = %(school)s
            order by event_id
            """,
            {"school": school_id},
        )
        return cursor.fetchall()


def uses(conn: psycopg.Connection[Any], school_id: int | None = None) -> list[Use]:
    """Which of our applications use which categories of schools' data; for one school if given."""
    with conn.cursor(row_factory=class_row(Use)) as cursor:
        cursor.execute(
            "select * from ops.data_use where %(school)s::integer is null or school_id = %(school)s"
            " order by school_id, purpose, category",
            {"school": school_id},
        )
        return cursor.fetchall()
