"""Report pages with ten schools in the warehouse and with a thousand: their queries, and the pages over HTTP.

The ten are schools of the sandbox that `mis run` has published, two academic years of marks each. The thousand are the
same published rows a hundred times over, under other numbers, in a copy of the database: pages read nothing else. The
figures between schools (similar schools, areas) stay those of ten. A reader of one school and a reader of all of them
look at the same pages in turns, from a server as `mis reports` starts it, over loopback.
"""

from __future__ import annotations

import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import TupleRow

from benchmarks.children import environment, python
from benchmarks.measuring import Spread, ratios
from benchmarks.report import Result, Table
from orchestration.access.people import Rights, add, every_school
from orchestration.ingest.categories import Purpose
from orchestration.serving import served
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from reports.app import create_app
from reports.attendance import PAGES
from reports.charts import theme
from reports.database import Pool
from reports.signin import sign_in_link
from reports.signing import Signer
from reports.site import Site
from reports.vault import Vault

#: Between the number of a school and that of its next copy.
_STRIDE = 1000
#: Relations of a release that no page reads, not even through a view: a third of the room for nothing.
_UNREAD = ("_current_day", "_week_pattern", "_alert_measure")
_AIM = 1.25
_COMPARE = "Compare my schools"
#: Contenders: how many schools there are, and whose they are.
_FEW, _ONE_OF_MANY, _ALL_OF_MANY, _ALL_OF_FEW = "few, one", "many, one", "many, all", "few, all"


@dataclass(frozen=True)
class Look:
    """One look at a page: milliseconds of its statements and of the whole over HTTP, statements, KiB of HTML."""

    queries: float
    page: float
    statements: int
    size: float


class _TimedCursor(psycopg.Cursor[Any]):
    """Counts the statements of all its kind, and their seconds until the rows are here."""

    seconds = 0.0
    statements = 0

    def execute(self, *args: Any, **kwargs: Any) -> _TimedCursor:
        started = time.perf_counter()
        super().execute(*args, **kwargs)
        _TimedCursor.seconds += time.perf_counter() - started
        _TimedCursor.statements += 1
        return self

    def fetchall(self) -> list[Any]:
        started = time.perf_counter()
        rows = super().fetchall()
        _TimedCursor.seconds += time.perf_counter() - started
        return rows


@dataclass(frozen=True)
class _Reader:
    """A signed-in reader of one warehouse, and the school and pupil they look at."""

    client: httpx.Client
    school: int
    pupil: int

    def look(self, page: str) -> Look:
        """Look at a page. Raises RuntimeError when it does not show its figures."""
        before, statements = _TimedCursor.seconds, _TimedCursor.statements
        started = time.perf_counter()
        answer = self.client.get(self._path(page))
        wall = time.perf_counter() - started
        if answer.status_code != 200 or re.search("not open to you|not published", answer.text):
            raise RuntimeError(f"A benchmark must not measure a page that fails: {page}, {answer.status_code}")
        return Look(
            1000 * (_TimedCursor.seconds - before),
            1000 * wall,
            _TimedCursor.statements - statements,
            len(answer.content) / 1024,
        )

    def _path(self, page: str) -> str:
        if page == _COMPARE:
            return "/attendance/compare"
        found = next(each for each in PAGES if each.title == page)
        path = f"pupils/{self.pupil}" if found.path else found.slug
        return f"/schools/{self.school}/attendance/{path}"


def measure(*, quick: bool) -> Result:
    """Every page, by reader and warehouse, in turns."""
    schools, size, times, rounds = (3, 0.1, 5, 2) if quick else (10, 0.3, 100, 15)
    with tempfile.TemporaryDirectory(prefix="mis-bench-") as name, ExitStack() as stack:
        home = Path(name)
        installed = environment(MIS_HOME=name, MIS_SANDBOX_SCHOOLS=str(schools), MIS_SANDBOX_SIZE=str(size))
        python("-m", "orchestration", "run", env=installed)
        cluster = Cluster(home / "postgres")
        stack.enter_context(cluster.lease())
        few, many = (Warehouse(cluster.url(database), cluster.url(database)) for database in ("mis", "many"))
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as conn:
            conn.execute("create database many template mis")
        pupils = _multiply(many, times)
        readers = {}
        for warehouse, copy, one, everybody in (
            (few, 0, _FEW, _ALL_OF_FEW),
            (many, times // 2, _ONE_OF_MANY, _ALL_OF_MANY),
        ):
            address, site = stack.enter_context(_serving(warehouse, home / "reports"))
            readers[one] = stack.enter_context(_reader(warehouse, site, address, copy, is_of_all=False))
            readers[everybody] = stack.enter_context(_reader(warehouse, site, address, copy, is_of_all=True))
        warm, first = _look(readers, rounds)
    return _result(warm, first, schools, times, pupils)


def _multiply(warehouse: Warehouse, times: int) -> int:
    """Copy the approved schools' published rows until there are ``times`` as many; pupils a school in the last year."""
    with warehouse.connect(autocommit=True) as conn:
        approved = list(every_school(conn))
        conn.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, phase, state)"
            " overriding system value"
            " select school_id + %(stride)s * n, partner, partner_school_id || '-' || n, name || ' ' || n, phase, state"
            " from ops.school, generate_series(1, %(last)s) as n where school_id = any(%(schools)s)",
            {"stride": _STRIDE, "last": times - 1, "schools": approved},
        )
        for schema, table, columns in _tables(conn):
            values = ", ".join(
                f"{column} + {_STRIDE} * n" if column in ("school_id", "neighbour_school_id")
                else f"{column} || ' ' || n" if column == "school_name"
                else column
                for column in columns
            )  # fmt: skip
            conn.execute(
                f"insert into {schema}.{table} ({', '.join(columns)}) select {values} from {schema}.{table}"
                f" cross join generate_series(1, {times - 1}) as n where school_id = any(%s)".encode(),
                [approved],
            )
            conn.execute(f"vacuum analyze {schema}.{table}".encode())
        conn.execute("checkpoint")
        row = conn.execute(
            "select sum(enrolments) / count(*) from attendance.school_year"
            " where academic_year = (select max(academic_year) from attendance.school_year)"
        ).fetchone()
    assert row is not None
    return int(row[0])


def _tables(conn: psycopg.Connection[TupleRow]) -> list[tuple[str, str, list[str]]]:
    """Schema, name and columns of the release's tables with rows of schools."""
    return conn.execute(
        """
        select n.nspname, c.relname, array_agg(quote_ident(a.attname) order by a.attnum)
        from ops.release r
        join pg_namespace n on n.nspname = r.schema_name
        join pg_class c on c.relnamespace = n.oid and c.relkind = 'r' and c.relname <> all(%s)
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where r.purpose = 'attendance' and r.state = 'published'
        group by n.nspname, c.relname
        having bool_or(a.attname = 'school_id')
        """,
        [list(_UNREAD)],
    ).fetchall()


@contextmanager
def _serving(warehouse: Warehouse, folder: Path) -> Iterator[tuple[str, Site]]:
    """The application on loopback, its statements timed."""

    def connect() -> psycopg.Connection[TupleRow]:
        connection = warehouse.connect()
        connection.cursor_factory = _TimedCursor
        return connection

    pool, vault = Pool(connect), Vault(folder)
    site = Site(pool, Signer(vault.secret()), vault, "http://127.0.0.1", is_synthetic=True)
    with served(create_app(site)) as port:
        yield f"http://127.0.0.1:{port}", site
    pool.close()


@contextmanager
def _reader(warehouse: Warehouse, site: Site, address: str, copy: int, *, is_of_all: bool) -> Iterator[_Reader]:
    """A person with names, of one school or of all, signed in; what they look at is in the given copy."""
    with warehouse.connect() as conn:
        row = conn.execute(
            """
            select y.school_id + %s, max(o.pupil_key)
            from attendance.school_year y join attendance.pupil_outlook o using (school_id, academic_year)
            where y.school_id < %s
            group by y.school_id, y.enrolments
            order by y.enrolments desc limit 1
            """,
            [_STRIDE * copy, _STRIDE],
        ).fetchone()
        assert row is not None
        school, pupil = row
        schools = every_school(conn) if is_of_all else (school,)
        rights = Rights(schools, (Purpose.ATTENDANCE,), named=True, small_groups=True)
        person = add(conn, f"{'all' if is_of_all else 'one'}@school.example", "Reader", rights)
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as client:
        form = client.get(sign_in_link(site.signer, address, person.person_id)).text
        client.post("/sign-in", data=dict(re.findall(r'name="(token|form_token)" value="([^"]+)"', form)))
        yield _Reader(client, school, pupil)


Looks = dict[str, dict[str, list[Look]]]


def _look(readers: dict[str, _Reader], rounds: int) -> tuple[Looks, dict[str, list[Look]]]:
    """Looks by page and reader, and by page the looks of the reader of one school of many with no chart drawn yet."""
    contenders: dict[str, tuple[str, ...]] = {page.title: (_FEW, _ONE_OF_MANY, _ALL_OF_MANY) for page in PAGES}
    contenders[_COMPARE] = (_ALL_OF_FEW, _ALL_OF_MANY)
    warm: Looks = {page: {name: [] for name in names} for page, names in contenders.items()}
    first: dict[str, list[Look]] = {page: [] for page in contenders}
    for page, names in contenders.items():
        for name in names:
            readers[name].look(page)
    for _ in range(rounds):
        for page, names in contenders.items():
            for name in names:
                warm[page][name].append(readers[name].look(page))
    for _ in range(rounds):
        for page, names in contenders.items():
            theme.draw.cache_clear()
            first[page].append(readers[_ONE_OF_MANY if _ONE_OF_MANY in names else _ALL_OF_MANY].look(page))
    return warm, first


def _result(warm: Looks, first: dict[str, list[Look]], schools: int, times: int, pupils: int) -> Result:
    many = schools * times
    of_school = [page.title for page in PAGES]

    def queries(page: str, name: str) -> list[float]:
        return [look.queries for look in warm[page][name]]

    def text(looks: Sequence[Look]) -> str:
        return Spread.of([look.page for look in looks]).text(".0f")

    asked = Table(
        f"Queries of a page: ms, median (least-most); {pupils} pupils a school",
        ("page", "statements", f"{schools} schools", f"{many:,} schools", "ratio", f"reader of all {many:,}", "ratio"),
        [
            *(
                (
                    page,
                    str(warm[page][_ONE_OF_MANY][0].statements),
                    *(Spread.of(queries(page, name)).text(".1f") for name in (_FEW, _ONE_OF_MANY)),
                    ratios(queries(page, _ONE_OF_MANY), queries(page, _FEW)).text(".2f"),
                    Spread.of(queries(page, _ALL_OF_MANY)).text(".1f"),
                    ratios(queries(page, _ALL_OF_MANY), queries(page, _FEW)).text(".2f"),
                )
                for page in of_school
            ),
            (
                _COMPARE,
                str(warm[_COMPARE][_ALL_OF_MANY][0].statements),
                Spread.of(queries(_COMPARE, _ALL_OF_FEW)).text(".1f"),
                "",
                "",
                Spread.of(queries(_COMPARE, _ALL_OF_MANY)).text(".1f"),
                ratios(queries(_COMPARE, _ALL_OF_MANY), queries(_COMPARE, _ALL_OF_FEW)).text(".2f"),
            ),
        ],
    )
    served = Table(
        f"A page over HTTP, {many:,} schools: ms, median (least-most)",
        ("page", "looked at before", "by the reader of all", "first look: charts not drawn yet", "KiB"),
        [
            (
                page,
                text(looks[_ONE_OF_MANY]) if _ONE_OF_MANY in looks else "",
                text(looks[_ALL_OF_MANY]),
                text(first[page]),
                f"{first[page][0].size:.0f}",
            )
            for page, looks in warm.items()
        ],
    )
    found = {page: ratios(queries(page, _ONE_OF_MANY), queries(page, _FEW)).median for page in of_school}
    worst = max(found, key=lambda page: found[page])
    return Result(
        "pages",
        [asked, served],
        {
            "warm": {page: {name: _plain(of) for name, of in looks.items()} for page, looks in warm.items()},
            "first": {page: _plain(looks) for page, looks in first.items()},
        },
        aims=[
            f"Queries of a page of one school with {times} times the schools: {statistics.median(found.values()):.2f} x"
            f" for the page in the middle, {found[worst]:.2f} x for the worst ({worst}; aim {_AIM:g} or less:"
            f" {'met' if found[worst] <= _AIM else 'missed'})."
        ],
    )


def _plain(looks: Sequence[Look]) -> list[dict[str, Any]]:
    return [asdict(look) for look in looks]
