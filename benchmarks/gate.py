"""One gate on the landing marks of one batch, beside the same rules by hand and beside plain Great Expectations.

By hand: the same predicates in one SELECT of counts, as somebody who needed no report would write it. Plain Great
Expectations: the suite as it stands, with its own expectations and ``UnexpectedRowsExpectation`` for predicates, in its
three result formats that count.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from benchmarks.measuring import Cost, Meter, Spread, in_turns, ratios
from benchmarks.report import Result, Table
from benchmarks.scratch import Scratch, scratch
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.landing import Landing
from orchestration.quality.gate import run_gate
from orchestration.quality.predicates import bind
from orchestration.quality.suites import Suite, load_suite
from orchestration.settings import get_settings

_AS_AT = date(2025, 7, 18)
_AIM = 1.5
_TOKEN = 1
_Format = Literal["BOOLEAN_ONLY", "BASIC", "COMPLETE"]
_FORMATS: tuple[_Format, ...] = ("BOOLEAN_ONLY", "BASIC", "COMPLETE")
#: Marks of one pupil in the made-up year: weekdays of 46 weeks, two a day.
_MARKS_A_PUPIL = 460

#: A school year of 25 schools as a gate usually finds it: common codes, minutes with lateness, no rule broken.
_FILL = """
    insert into {rows} (school_id, pupil_id, mark_date, session, code, minutes_late, mark_id, source_updated_at)
    select pupil % 25 + 1, 'A2' || lpad(pupil::text, 9, '0'), day, session,
        case when code = '/' and session = 'PM' then '\\' else code end,
        case when code = 'L' then 5 end, 'A16' || lpad((pupil * 1000 + place)::text, 9, '0'), day + time '17:00'
    from generate_series(1, {pupils}) as pupil
    cross join (
        select day::date, row_number() over (order by day) as place
        from generate_series(date '2024-09-02', date '2025-07-18', '1 day') as day where extract(isodow from day) < 6
    ) as days
    cross join (values ('AM'), ('PM')) as sessions (session)
    cross join lateral (
        select (string_to_array('/ / / / / / L I M O / / / / V /', ' '))[1 + (pupil * 7 + place * 3) % 16] as code
    ) as codes
"""


@dataclass(frozen=True)
class _Case:
    """The marks of a batch, its suite, and an engine on its server."""

    engine: sa.Engine
    suite: Suite
    document: dict[str, Any]
    relation: str
    rows: int

    def by_us(self) -> None:
        found = run_gate(self.engine, self.suite, relation=self.relation, as_at=_AS_AT)
        _require(all(result.outcome == "passed" for result in found.results))

    def by_hand(self) -> None:
        predicates = [bind(check.predicate, _AS_AT) for _, check in self.suite.row_rules()]
        counts = ", ".join(f"count(*) filter (where ({predicate}) is not true)" for predicate in predicates)
        with self.engine.connect().execution_options(no_parameters=True) as connection:
            found = connection.exec_driver_sql(f"select {counts} from {self.relation}").fetchone()
        _require(found is not None and not any(found))

    def by_plain_expectations(self, result_format: _Format) -> None:
        # The ban is on production code, where only the gate may pay for the import.
        import great_expectations as gx  # noqa: TID251
        from great_expectations.core import ExpectationSuite  # noqa: TID251
        from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: TID251
        from great_expectations.expectations.core.unexpected_rows_expectation import (  # noqa: TID251
            UnexpectedRowsExpectation,
        )
        from great_expectations.expectations.expectation import Expectation  # noqa: TID251
        from great_expectations.expectations.expectation_configuration import (  # noqa: TID251
            ExpectationConfiguration,
        )

        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
        address = self.engine.url.render_as_string(hide_password=False)
        source = context.data_sources.add_postgres("plain", connection_string=address, create_temp_table=False)
        schema, _, table = self.relation.partition(".")
        asset = source.add_table_asset("marks", table_name=table, schema_name=schema)
        expectations: list[Expectation] = []
        for declared in self.document["expectations"]:
            kind, kwargs = declared["type"], declared["kwargs"]
            if kind == "expect_rows_to_satisfy":
                predicate = bind(kwargs["predicate"], _AS_AT)
                query = f"select * from {{batch}} where ({predicate}) is not true"
                expectations.append(UnexpectedRowsExpectation(unexpected_rows_query=query))
            else:
                expectations.append(ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj())
        try:
            batch = asset.add_batch_definition_whole_table("all").get_batch()
            suite = ExpectationSuite(name="plain", expectations=expectations)
            _require(batch.validate(suite, result_format=result_format).success)
        finally:
            source.get_execution_engine().close()
            source.get_engine().dispose()


def measure(*, quick: bool) -> Result:
    """The gate, the hand-written aggregate and plain Great Expectations, in turns."""
    warnings.filterwarnings("ignore", module="great_expectations")
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    rows, rounds = (50_000, 2) if quick else (1_000_000, 5)
    with scratch() as server:
        case = _prepare(server, rows)
        meter = Meter(postgres=server.server_pid)
        contenders: dict[str, Callable[[], None]] = {"by hand": case.by_hand, "gate": case.by_us}
        for result_format in _FORMATS:
            contenders[f"plain GX, {result_format}"] = partial(case.by_plain_expectations, result_format)
        # The first gate of a process imports Great Expectations; that is start-up, which has a benchmark of its own.
        for contender in contenders.values():
            contender()
        costs = in_turns({name: _costed(meter, contender) for name, contender in contenders.items()}, rounds)
        case.engine.dispose()
    return _result(costs, case)


def _costed(meter: Meter, work: Callable[[], None]) -> Callable[[], Cost]:
    return lambda: meter.cost(work)


def _prepare(server: Scratch, rows: int) -> _Case:
    warehouse = server.warehouse()
    spec = CATEGORIES[Category.ATTENDANCE]
    marks = next(table for table in spec.tables if table.name == "attendance_mark")
    with warehouse.connect(autocommit=True) as conn:
        landing = Landing(conn, spec, _TOKEN)
        landing.create()
        relation = landing.rows(marks)
        made = conn.execute(_FILL.format(rows=relation, pupils=rows // _MARKS_A_PUPIL).encode()).rowcount
        conn.execute(f"vacuum analyze {relation}".encode())
    suite_file = Path(get_settings().expectations_dir) / "raw" / "attendance_mark.json"
    document: dict[str, Any] = json.loads(suite_file.read_text(encoding="utf-8"))
    return _Case(sa.create_engine(warehouse.sqlalchemy_url), load_suite(suite_file), document, relation, made)


def _require(holds: bool) -> None:
    if not holds:
        raise RuntimeError(
            "The made-up marks break a rule, or one was not evaluated: the contenders did not do the same."
        )


def _result(costs: dict[str, list[Cost]], case: _Case) -> Result:
    walls = {name: [cost.wall for cost in of] for name, of in costs.items()}
    table = Table(
        f"{len(case.suite.rules)} rules on {case.rows:,} landing marks, median (least-most)",
        ("way", "seconds", "x by hand", "CPU s here", "CPU s Postgres"),
        [
            (
                name,
                Spread.of(walls[name]).text(".2f"),
                ratios(walls[name], walls["by hand"]).text(".2f"),
                f"{Spread.of([cost.ours for cost in of]).median:.2f}",
                f"{Spread.of([cost.theirs['postgres'] for cost in of]).median:.2f}",
            )
            for name, of in costs.items()
        ],
    )
    found = ratios(walls["gate"], walls["by hand"]).median
    met = "met" if found <= _AIM else "missed"
    return Result(
        "gate",
        [table],
        {"rows": case.rows, "costs": {name: [asdict(cost) for cost in of] for name, of in costs.items()}},
        aims=[f"Gate: {found:.2f} x the hand-written SQL (aim {_AIM:g} or less: {met})."],
    )
