"""``mis metrics``: figures by name, from the semantic layer, over what is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated

import psycopg
import typer
from psycopg.rows import TupleRow

from orchestration.commands.printing import AsJson, fail, print_json, print_table
from orchestration.settings import get_settings

metrics_app = typer.Typer(
    help="Metrics by name: attendance, absence, suspensions, by whatever dimension you like.", no_args_is_help=True
)

Metrics = Annotated[list[str], typer.Argument(metavar="METRIC...", help="One or more metrics.", show_default=False)]


@metrics_app.command("list")
def list_metrics(as_json: AsJson = False) -> None:
    """List the metrics, and what each is, with its unit."""
    from orchestration.semantic.layer import SemanticLayer

    found = SemanticLayer.load(get_settings()).metrics()
    if as_json:
        print_json([asdict(metric) for metric in found])
    else:
        print_table(("metric", "what it is"), [(metric.name, metric.description) for metric in found])


@metrics_app.command("dimensions")
def list_dimensions(metrics: Metrics, as_json: AsJson = False) -> None:
    """List what a metric, or several together, can be grouped by and filtered on."""
    from orchestration.semantic.layer import MetricError, SemanticLayer

    try:
        found = SemanticLayer.load(get_settings()).dimensions(metrics)
    except MetricError as error:
        fail(str(error))
    if as_json:
        print_json([asdict(dimension) for dimension in found])
    else:
        print_table(("dimension", "what it is"), [(dimension.name, dimension.description) for dimension in found])


@metrics_app.command("query")
def query_metrics(
    metrics: Metrics,
    *,
    group_by: Annotated[
        list[str] | None,
        typer.Option(
            "--group-by", help="Dimensions: academic_year,is_fsm; may be given more than once.", show_default=False
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help='A condition on dimensions: "academic_year = 202425 and is_fsm".', show_default=False),
    ] = None,
    order_by: Annotated[
        list[str] | None,
        typer.Option("--order-by", help="Metrics or dimensions, - before it for largest first.", show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows.", show_default=False)] = None,
    as_person: Annotated[
        str | None,
        typer.Option("--as", metavar="EMAIL", help="With the rights of this person.", show_default=False),
    ] = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL for your own tool, and do not run it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Answer a question from the published relations: which metrics, by what, of what."""
    from orchestration.semantic.layer import MetricError, SemanticLayer

    try:
        statement = SemanticLayer.load(get_settings()).sql(
            metrics,
            _listed(group_by),
            where=where or (),
            order_by=_listed(order_by),
            limit=limit,
        )
    except MetricError as error:
        fail(str(error))
    if sql:
        typer.echo(statement)
        return
    header, rows = _run(statement, as_person)
    if as_json:
        print_json([dict(zip(header, map(_number, row), strict=True)) for row in rows])
    else:
        print_table(header, rows)


def _run(statement: str, as_person: str | None) -> tuple[list[str], list[TupleRow]]:
    from orchestration.access.people import PersonError, person_by_email
    from orchestration.access.reading import NotAllowed, reading_as
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            if as_person is None:
                return _fetched(connection, statement)
            person = person_by_email(connection, as_person)
            with reading_as(connection, person):
                return _fetched(connection, statement)
        except (PersonError, NotAllowed) as error:
            fail(str(error))
        except psycopg.errors.InsufficientPrivilege as error:
            fail(
                f"{as_person} may not read what these metrics are computed from ({error.diag.message_primary}). They "
                "are sums of pupils' rows, which needs the right --small-groups, and estimates by SEN, language or "
                "ethnicity --special-category too; figures with small numbers suppressed are relations with the column "
                "is_suppressed."
            )
        except psycopg.errors.UndefinedTable as error:
            fail(f"{_capital(error.diag.message_primary)}: nothing of it is published yet. Publish first: mis run")
        except (psycopg.ProgrammingError, psycopg.DataError) as error:
            fail(
                f"{_capital(error.diag.message_primary)}. Does the condition name a dimension of `mis metrics "
                "dimensions`, and is text in single quotes?"
            )


def _fetched(connection: psycopg.Connection[TupleRow], statement: str) -> tuple[list[str], list[TupleRow]]:
    cursor = connection.execute(statement.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


def _listed(given: Sequence[str] | None) -> list[str]:
    return [name.strip() for one in given or () for name in one.split(",") if name.strip()]


def _number(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


def _capital(text: str | None) -> str:
    return (text or "").capitalize()
