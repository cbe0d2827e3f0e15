"""Attendance counts from marks, beside DuckDB and beside plain tables; and a new day with one and five years behind it.

Three ways count the same pupils by day, week and year, 20 counts each, from the same marks. The platform: its own dbt
models, core.register_year from raw, then the counts; days and weeks are views. Plain: what a project without the
compact form does in the same server, a table of sessions with their meaning and a group by for each. DuckDB: the same
group bys, from a Parquet file in the order in which the marks came, with a database file of its own. Seconds of the
platform's models are dbt's own.

The platform is measured twice. From nothing, with all rows of the views written into tables, so that all three do the
same. And as a night is: a day of marks of every school has come, it is taken into what is kept, the year's counts are
made again, and the views are as new; what they cost is then reading all of their rows and columns.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.in_process_dbt import Dbt
from benchmarks.measuring import Cost, Meter, Spread, in_turns, ratios
from benchmarks.report import Result, Table
from benchmarks.scratch import Scratch, scratch
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

_DAYS = 190
_PUPILS_A_SCHOOL = 1000
#: The year of all marks of the first part, and the last of the second.
_YEAR = 2024
_KEPT = (
    "register_year",
    "day_tally",
    "register_input",
    "register",
    "group_input",
    "group_year",
    "group_period",
    "risk_input",
    "risk_example",
)
#: Models between the marks and the counts, by the step under which their seconds are shown.
_STEPS = {
    "register_year": ("register_year",),
    "calendar": ("day_tally", "school_day", "roll_year", "attendance__school_day"),
    "register": ("register_input", "register", "attendance___register_year"),
    "year": ("attendance__pupil_year",),
}
_VIEWS = {"day": "attendance__pupil_day", "week": "attendance__pupil_week"}

_SCHOOLS = """
    insert into ops.school (partner, partner_school_id, name, phase, state)
    select 'wonde', 'S' || n, 'School ' || n, 'PRIMARY', 'approved' from generate_series(1, {schools}) as n;
    insert into raw.pupil (school_id, pupil_id, person_id, date_of_birth, admission_date, is_leaver, sex, extract_id)
    select school, 'A' || lpad(pupil::text, 10, '0'), 'u' || pupil, date '2014-10-01', date '2019-09-01', false,
        case when pupil % 2 = 0 then 'F' else 'M' end, 1
    from generate_series(1, {schools}) as school, generate_series(1, {pupils}) as pupil;
"""

#: Nine sessions of ten present, illness and lateness the commonest others; day by day, as a school's marks come in.
_MARKS = """
    insert into raw.attendance_mark (school_id, pupil_id, mark_date, session, code, minutes_late, extract_id)
    select school, 'A' || lpad(pupil::text, 10, '0'), day, session,
        case when code = '/' and session = 'PM' then '\\' else code end, case when code = 'L' then 7 end, {extract}
    from generate_series(1, {schools}) as school
    cross join (
        select day::date, row_number() over (order by day) as place
        from generate_series(date '{year}-09-02', date '{year}-09-02' + 300, '1 day') as day
        where extract(isodow from day) < 6
        order by day limit {last} offset {first}
    ) as days
    cross join (values ('AM'), ('PM')) as sessions (session)
    cross join generate_series(1, {pupils}) as pupil
    cross join lateral (
        select (array_fill('/'::text, array[42]) || string_to_array('I I I L L O M V', ' '))
            [1 + abs(hashint8(pupil * 100003 + place * 2 + (session = 'PM')::integer + school * 7919)) % 50] as code
    ) as codes
"""

_COUNTS = """
    count(*) filter (where meaning in ('present', 'approved', 'authorised', 'unauthorised', 'covid')) as possible,
    count(*) filter (where meaning in ('present', 'approved')) as attended,
    count(*) filter (where meaning = 'present') as present,
    count(*) filter (where meaning = 'approved') as approved_activity,
    count(*) filter (where meaning in ('authorised', 'unauthorised')) as absence,
    count(*) filter (where meaning = 'authorised') as authorised,
    count(*) filter (where meaning = 'unauthorised') as unauthorised,
    count(*) filter (where meaning = 'covid') as covid,
    count(*) filter (where meaning = 'not_possible') as not_possible,
    count(*) filter (where meaning = 'missing') as missing,
    count(*) filter (where meaning is null) as unclassified,
    count(*) filter (where code in ('L', 'U')) as late,
    count(*) filter (where code = 'U') as late_after_register, count(*) filter (where code = 'I') as illness,
    count(*) filter (where code = 'M') as appointment, count(*) filter (where code = 'E') as suspended,
    count(*) filter (where code in ('H', 'F')) as agreed_holiday, count(*) filter (where code = 'G') as holiday,
    count(*) filter (where code = 'N') as no_reason, count(*) filter (where code = 'O') as other_unauthorised
"""
_GRAINS = {
    "day": "mark_date",
    "week": "date_trunc('week', mark_date)",
    "year": "extract(year from mark_date - interval '7 months')",
}


def measure(*, quick: bool) -> Result:
    """The three ways in turns, then the new day."""
    schools, rounds = (1, 1) if quick else (26, 2)
    with scratch() as server:
        settings = Settings(home=server.folder / "home")
        counts = _Contest(server, settings, schools)
        costs = in_turns(counts.ways(), rounds)
        counts.agree()
        days = [_new_day(server, settings, 1 if quick else 5, years) for years in (1, 5)]
    return _result(counts, costs, days)


class _Contest:
    """The ways to count; each call of one measures it from nothing. ``seconds`` has its steps, round by round."""

    def __init__(self, server: Scratch, settings: Settings, schools: int) -> None:
        self._server = server
        self._warehouse = server.fresh("contest")
        self._dbt = Dbt(settings, self._warehouse)
        self._meter = Meter(postgres=server.server_pid)
        self._parquet = server.folder / "marks.parquet"
        self._duck = server.folder / "peer.duckdb"
        self.marks = _fill(self._warehouse, schools, _PUPILS_A_SCHOOL, [_YEAR])
        self.seconds: dict[str, list[dict[str, float]]] = {"platform": [], "night": [], "plain": [], "duckdb": []}
        self._totals: dict[str, tuple[int, ...]] = {}
        self._dbt("seed")
        self._dbt("run", "--select", "tag:staging", "attendance_code", "enrolment", "pupil", "pupil_characteristics")
        self._export()

    def ways(self) -> dict[str, Any]:
        """The contenders by name."""
        return {
            "platform": lambda: self._meter.cost(self._platform),
            "night": self._night,
            "plain": lambda: self._meter.cost(self._plain),
            "duckdb": lambda: self._meter.cost(self._duckdb),
        }

    def agree(self) -> None:
        """Refuse figures of ways that did not count the same."""
        if len(set(self._totals.values())) != 1:
            raise RuntimeError(f"The ways do not count the same: {self._totals}")

    def _platform(self) -> None:
        steps = self._models("--full-refresh")
        with self._warehouse.connect(autocommit=True) as conn:
            for grain in _VIEWS:
                steps[grain] = self._timed(
                    lambda sql: conn.execute(sql.encode()),
                    f"drop table if exists read_{grain};"
                    f" create table read_{grain} as select * from build_attendance.pupil_{grain}",
                )
        self._keep("platform", steps, self._counted())

    def _night(self) -> Cost:
        """The last day's marks come again, as a new extract: the work of a new day, and the counts stay the same."""
        with self._warehouse.connect(autocommit=True) as conn:
            conn.execute(
                "update raw.attendance_mark set extract_id = extract_id + 1"
                " where mark_date = (select max(mark_date) from raw.attendance_mark)"
            )
            columns = {
                grain: conn.execute(f"select * from build_attendance.pupil_{grain} limit 0".encode()).description or ()
                for grain in _VIEWS
            }

            def night() -> None:
                steps = self._models()
                for grain, found in columns.items():
                    counts = ", ".join(f"count({column.name})" for column in found)
                    steps[grain] = self._timed(
                        lambda sql: conn.execute(sql.encode()), f"select {counts} from build_attendance.pupil_{grain}"
                    )
                self._keep("night", steps, self._counted())

            return self._meter.cost(night)

    def _models(self, *args: str) -> dict[str, float]:
        """Run the platform's models; their seconds by step."""
        models = [model for names in _STEPS.values() for model in names]
        found = self._dbt("run", *args, "--select", *models, *_VIEWS.values())
        return {step: sum(found[name] for name in names) for step, names in _STEPS.items()}

    def _counted(self) -> Sequence[Any] | None:
        with self._warehouse.connect(autocommit=True) as conn:
            return conn.execute(
                "select sum(possible_sessions), sum(absence_sessions), sum(late_sessions), sum(illness_sessions)"
                " from build_attendance.pupil_year"
            ).fetchone()

    def _plain(self) -> None:
        with self._warehouse.connect(autocommit=True) as conn:
            steps = {
                "session": self._timed(
                    lambda sql: conn.execute(sql.encode()),
                    "drop table if exists session; create table session as"
                    " select mark.school_id, mark.pupil_id, mark.mark_date, mark.session, mark.code, code.meaning"
                    " from raw.attendance_mark as mark left join core.attendance_code as code"
                    " on mark.school_id = code.school_id and mark.code = code.code"
                    " and mark.mark_date between code.valid_from and code.valid_to; analyze session",
                )
            }
            for grain, key in _GRAINS.items():
                steps[grain] = self._timed(
                    lambda sql: conn.execute(sql.encode()),
                    f"drop table if exists plain_{grain}; create table plain_{grain} as"
                    f" select school_id, pupil_id, {key} as period, {_COUNTS} from session group by 1, 2, 3",
                )
            row = conn.execute("select sum(possible), sum(absence), sum(late), sum(illness) from plain_year").fetchone()
        self._keep("plain", steps, row)

    def _duckdb(self) -> None:
        self._duck.unlink(missing_ok=True)
        with duckdb.connect(str(self._duck)) as conn:
            conn.execute(f"set threads = {os.cpu_count() or 1}")
            conn.execute("create table code as select * from read_csv(?)", [str(self._duck.with_suffix(".csv"))])
            steps = {
                "session": self._timed(
                    conn.execute,
                    "create table session as"
                    " select mark.school_id, mark.pupil_id, mark.mark_date, mark.session, mark.code, code.meaning"
                    f" from '{self._parquet}' as mark left join code on mark.school_id = code.school_id"
                    " and mark.code = code.code and mark.mark_date between code.valid_from and code.valid_to",
                )
            }
            for grain, key in _GRAINS.items():
                steps[grain] = self._timed(
                    conn.execute,
                    f"create table duck_{grain} as"
                    f" select school_id, pupil_id, {key} as period, {_COUNTS} from session group by 1, 2, 3",
                )
            row = conn.execute("select sum(possible), sum(absence), sum(late), sum(illness) from duck_year").fetchone()
        self._keep("duckdb", steps, row)

    def _timed(self, execute: Any, sql: str) -> float:
        return self._meter.cost(lambda: execute(sql)).wall

    def _keep(self, way: str, steps: dict[str, float], row: Sequence[Any] | None) -> None:
        self.seconds[way].append(steps)
        self._totals[way] = tuple(map(int, row or ()))

    def _export(self) -> None:
        """The marks as Parquet, in the order of raw, and the codes."""
        codes = self._duck.with_suffix(".csv")
        lines = self._server.folder / "marks.csv"
        with self._warehouse.connect() as conn:
            _copy_out(conn, "select school_id, code, valid_from, valid_to, meaning from core.attendance_code", codes)
            _copy_out(conn, "select school_id, pupil_id, mark_date, session, code from raw.attendance_mark", lines)
        with duckdb.connect() as duck:
            duck.execute(f"copy (from read_csv('{lines}', quote = '\"', escape = '\"')) to '{self._parquet}'")
        lines.unlink()


def _copy_out(conn: Any, query: str, path: Path) -> None:
    with path.open("wb") as file, conn.cursor().copy(f"copy ({query}) to stdout with (format csv, header)") as copy:
        for block in copy:
            file.write(block)


def _fill(warehouse: Warehouse, schools: int, pupils: int, years: Sequence[int], *, but_last: int = 0) -> int:
    """Schools, pupils and their marks of whole years, but for the last days of the last one; how many marks."""
    made = 0
    with warehouse.connect(autocommit=True) as conn:
        conn.execute(_SCHOOLS.format(schools=schools, pupils=pupils).encode())
        for year in years:
            last = _DAYS - (but_last if year == years[-1] else 0)
            made += conn.execute(
                _MARKS.format(schools=schools, pupils=pupils, year=year, first=0, last=last, extract=1).encode()
            ).rowcount
        conn.execute("vacuum analyze raw.attendance_mark")
        conn.execute("vacuum analyze raw.pupil")
    return made


@dataclass(frozen=True)
class _Day:
    """What a new day cost: seconds by model, and on the clock for all of dbt."""

    years: int
    history: int
    marks: int
    models: dict[str, float]
    cost: Cost


def _new_day(server: Scratch, settings: Settings, schools: int, years: int) -> _Day:
    """A first build of all attendance models, then one more day of marks for every school."""
    warehouse = server.fresh(f"years{years}")
    dbt = Dbt(settings, warehouse)
    history = _fill(warehouse, schools, _PUPILS_A_SCHOOL, list(range(_YEAR - years + 1, _YEAR + 1)), but_last=1)
    dbt("seed")
    chain = ("run", "--select", "tag:staging", "tag:core", "group:attendance")
    dbt(*chain)
    dbt(*chain)
    with warehouse.connect(autocommit=True) as conn:
        day = _MARKS.format(schools=schools, pupils=_PUPILS_A_SCHOOL, year=_YEAR, first=_DAYS - 1, last=1, extract=2)
        marks = conn.execute(day.encode()).rowcount
    models: dict[str, float] = {}
    cost = Meter(postgres=server.server_pid).cost(lambda: models.update(dbt(*chain)))
    return _Day(years, history, marks, models, cost)


def _compared(title: str, platform: str, rows: Sequence[tuple[str, list[float], list[float], list[float]]]) -> Table:
    """A step a row: seconds of the three ways, and the platform's as multiples of the others'."""

    def line(name: str, ours: list[float], plain: list[float], duck: list[float]) -> tuple[str, ...]:
        times = [ratios(ours, theirs).text(".2f") if all(theirs) else "" for theirs in (plain, duck)]
        return (name, *(Spread.of(way).text(".2f") for way in (ours, plain, duck)), *times)

    return Table(
        title,
        ("step", platform, "plain tables", "DuckDB", "platform x plain", "platform x DuckDB"),
        [line(*row) for row in rows],
    )


def _median(rounds: list[dict[str, float]], *steps: str) -> list[float]:
    return [sum(found[step] for step in steps) for found in rounds]


def _result(contest: _Contest, costs: dict[str, list[Cost]], days: list[_Day]) -> Result:
    platform, night, plain, duck = (contest.seconds[way] for way in ("platform", "night", "plain", "duckdb"))
    kept = [step for step in _STEPS if step != "year"]
    none = [0.0] * len(plain)
    grains = [
        (f"pupil x {grain}", _median(platform, grain), _median(plain, grain), _median(duck, grain)) for grain in _GRAINS
    ]
    counted = _compared(
        f"From nothing, {contest.marks:,} marks: seconds, median (least-most)",
        "platform",
        [
            ("from marks to what is counted from", _median(platform, *kept), _median(plain, "session"),
             _median(duck, "session")),
            *grains,
            ("all, from marks", _median(platform, *kept, *_GRAINS), _median(plain, "session", *_GRAINS),
             _median(duck, "session", *_GRAINS)),
            ("all, from what is kept", _median(platform, *_GRAINS), _median(plain, *_GRAINS), _median(duck, *_GRAINS)),
        ],
    )  # fmt: skip
    nightly = _compared(
        f"A night, one day of {contest.marks:,} marks is new: seconds, median (least-most)",
        "platform, views read",
        [
            ("the new day into what is kept", _median(night, *kept), none, _median(duck, "session")),
            *(
                (f"pupil x {grain}", _median(night, grain), _median(plain, grain), _median(duck, grain))
                for grain in _GRAINS
            ),
            (
                "the night",
                _median(night, *kept, *_GRAINS),
                _median(plain, *_GRAINS),
                _median(duck, "session", *_GRAINS),
            ),
        ],
    )
    steps = Table(
        "The platform's part from marks to what is counted from: seconds",
        ("step", "from nothing", "a night"),
        [
            (step, Spread.of(_median(platform, step)).text(".2f"), Spread.of(_median(night, step)).text(".2f"))
            for step in kept
        ],
    )
    processor = Table(
        "Processor seconds of all steps, Postgres, DuckDB and dbt together",
        ("way", "seconds"),
        [(way, Spread.of([cost.cpu for cost in of]).text(".1f")) for way, of in costs.items()],
    )
    one, five = days
    upkeep = [name for name in _KEPT if name in one.models]
    marts = [name for name in one.models if name not in upkeep]
    heaviest = sorted(marts, key=lambda name: five.models[name], reverse=True)[:5]

    def line(name: str, of_one: float, of_five: float) -> tuple[str, ...]:
        return (name, f"{of_one:.2f}", f"{of_five:.2f}", f"{of_five / of_one:.2f}")

    new_day = Table(
        f"One new day of {one.marks:,} marks: seconds with {one.history:,} and with {five.history:,} marks behind it",
        ("model", "one year", "five years", "ratio"),
        [
            *(line(name, one.models[name], five.models[name]) for name in upkeep),
            line(
                "kept from day to day",
                *(sum(day.models[name] for name in upkeep) for day in days),
            ),
            line(
                "made anew: the other models of core and attendance",
                *(sum(day.models[name] for name in marts) for day in days),
            ),
            *(line(f"· {name}", one.models[name], five.models[name]) for name in heaviest),
            line("all of dbt, on the clock", one.cost.wall, five.cost.wall),
            line("processor seconds of all", one.cost.cpu, five.cost.cpu),
        ],
    )
    overall = ratios(_median(platform, *kept, *_GRAINS), _median(duck, "session", *_GRAINS)).median
    nights = ratios(_median(night, *kept, *_GRAINS), _median(duck, "session", *_GRAINS)).median
    year = ratios(_median(night, "year"), _median(duck, "year")).median
    growth = sum(five.models[name] for name in upkeep) / sum(one.models[name] for name in upkeep)
    return Result(
        "attendance",
        [counted, nightly, processor, steps, new_day],
        {
            "marks": contest.marks,
            "seconds": contest.seconds,
            "cpu": {way: [cost.cpu for cost in of] for way, of in costs.items()},
            "days": [{"years": day.years, "models": day.models, "wall": day.cost.wall} for day in days],
        },
        aims=[
            f"A night, all counts as new: {nights:.2f} x DuckDB (aim 1 or less: {_met(nights <= 1)}).",
            f"All counts from nothing, into tables: {overall:.2f} x DuckDB (aim 1 or less: {_met(overall <= 1)}).",
            f"Year counts from what is kept: {year:.2f} x DuckDB (aim 0.33 or less: {_met(year <= 0.33)}).",
            f"A new day, kept models: {growth:.2f} x with five years (aim 1.25 or less: {_met(growth <= 1.25)}).",
        ],
    )


def _met(holds: bool) -> str:
    return "met" if holds else "missed"
