"""The command ``mis``."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from typing import Annotated, Any, NoReturn

import psycopg
import typer
from pydantic import ValidationError

from orchestration.commands import alert, connections, estimates, files, intervention, targets
from orchestration.commands.metrics import metrics_app
from orchestration.commands.notices import notices
from orchestration.commands.person import person_app
from orchestration.commands.printing import AsJson, err, fail, out, print_json, print_table
from orchestration.commands.reports import reports_app
from orchestration.dbt.runner import DbtError
from orchestration.ingest.categories import Category, Purpose
from orchestration.partners import PartnerNotConfigured
from orchestration.quality.suites import SuiteError
from orchestration.settings import get_settings
from orchestration.warehouse.cluster import ClusterError
from orchestration.warehouse.connection import WarehouseError

app = typer.Typer(
    help="School MIS data, from partners' APIs to published marts. Start with `mis run`; look around with `mis up`.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
quarantine_app = typer.Typer(
    help="Rows that broke a rule: look at them, and load those that pass now.", no_args_is_help=True
)
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(person_app, name="person")
app.add_typer(metrics_app, name="metrics")
app.command("notices")(notices)
app.add_typer(connections.app, name="connections")
app.add_typer(alert.app, name="alert")
app.add_typer(intervention.app, name="intervention")
app.add_typer(estimates.app, name="estimates")
app.add_typer(targets.app, name="targets")
app.add_typer(reports_app, name="reports")
app.command("template")(files.template)
app.command("load")(files.load)


@app.command()
def run(
    full: Annotated[bool, typer.Option("--full", help="Read everything again instead of what changed.")] = False,
    only: Annotated[
        list[Category] | None,
        typer.Option("--category", help="Extract just this category; may be given more than once."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Extract every approved school, gate, build and publish; then say what happened.

    Exit status 0: everything succeeded. 1: some school was held or failed, or a gate stopped a publication; the rest
    is done and the summary says what to do. The summary is also written to .mis/last_run.json.
    """
    _execute(as_json, categories=only or list(Category), full=full)


@app.command()
def extract(
    full: Annotated[bool, typer.Option("--full", help="Read everything again instead of what changed.")] = False,
    only: Annotated[
        list[Category] | None, typer.Option("--category", help="Just this category; may be given more than once.")
    ] = None,
    school: Annotated[
        list[int] | None, typer.Option(help="Just this school (its id in `mis status`); may be given more than once.")
    ] = None,
    accept_held: Annotated[
        bool,
        typer.Option(
            "--accept-held",
            help="Load the schools named with --school in spite of the batch rules that hold them, because they are"
            " right.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Extract without publishing: to read one school again, or to look at what the gates say first."""
    if accept_held and not school:
        raise typer.BadParameter(
            "say for which school, with --school: nobody can have looked at all of them.", param_hint="--accept-held"
        )
    _execute(
        as_json,
        categories=only or list(Category),
        full=full,
        accept_held=accept_held,
        schools=school or [],
        purposes=[],
    )


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    host: Annotated[
        str,
        typer.Option(help="Address it listens on. The UI has no login: only a container publishes more than loopback."),
    ] = "127.0.0.1",
    connections_port: Annotated[
        int, typer.Option(help="Port of the page of connections, which runs a school again at a click.")
    ] = 3001,
) -> None:
    """Start the Dagster UI and daemon with everything they need, and the page of connections; Ctrl-C stops all."""
    from orchestration.commands.up import serve
    from orchestration.serving import PortTaken

    try:
        raise typer.Exit(serve(get_settings(), host, port, connections_port, err))
    except PortTaken as error:
        fail(f"{error} Choose another port with --connections-port.")


@app.command()
def publish(
    purposes: Annotated[
        list[Purpose] | None, typer.Argument(help="Publish just these; all when none is named.", show_default=False)
    ] = None,
    allow_breaking: Annotated[
        bool,
        typer.Option(
            "--allow-breaking", help="Also when columns have gone or changed type: their views are made anew."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build core and marts from what has been accepted, gate them, and publish the purposes that pass."""
    _execute(as_json, purposes=purposes or list(Purpose), allow_breaking=allow_breaking)


@app.command()
def rollback(
    purpose: Annotated[Purpose, typer.Argument(help="The purpose whose former release readers should see again.")],
) -> None:
    """Point a purpose's published views back to the release before the present one."""
    from orchestration.runtime import warehouse_ready
    from orchestration.warehouse.publishing import PublishError
    from orchestration.warehouse.publishing import rollback as roll_back

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            release = roll_back(connection, purpose)
        except PublishError as error:
            fail(str(error))
    out.print(f"{purpose.value}: readers see {release.schema_name} again.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Show schools, their last extracts, what is held or in quarantine, and what is published."""
    from orchestration.commands.status import read_status, show
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        found = read_status(connection)
    if as_json:
        print_json(found.as_json())
    else:
        show(found, out)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is wrong with this installation and how to mend it. Exit status 1 when something is."""
    from orchestration.commands.doctor import examine

    findings = examine()
    if as_json:
        print_json([finding.as_json() for finding in findings])
    else:
        for finding in findings:
            mark = "[green]ok[/]  " if finding.ok else "[red]bad[/] "
            out.print(f"{mark} {finding.what}: {finding.found}")
            if not finding.ok:
                out.print(f"     -> {finding.remedy}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command()
def psql(
    command: Annotated[
        str | None, typer.Option("-c", "--command", help="Run this SQL, print the rows, and leave.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Open a SQL prompt on the warehouse, or run one command with -c."""
    from orchestration.commands.psql import interactive, query
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse:
        if command is None:
            raise typer.Exit(interactive(warehouse))
        header, rows = query(warehouse, command)
    if as_json:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table(header, rows)


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def execute_command(command: Annotated[list[str], typer.Argument(help="The program and its arguments.")]) -> None:
    """Run a program with the platform in place: `mis exec dbt docs generate`, `mis exec dagster asset list`.

    Warehouse, partner and Dagster's home stand for as long as it runs; they are in its environment.
    """
    from orchestration.commands.exec import call

    raise typer.Exit(call(get_settings(), command))


@app.command()
def sandbox(
    schools: Annotated[int, typer.Option(min=1, help="How many synthetic schools.")] = 3,
    seed: Annotated[int, typer.Option(help="Same seed, same schools.")] = 20250718,
    size: Annotated[float, typer.Option(min=0.01, help="Factor on their number of pupils.")] = 1.0,
    today: Annotated[str, typer.Option(help="The sandbox's own first day, YYYY-MM-DD.")] = "2025-07-18",
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
) -> None:
    """Serve synthetic schools as the Wonde API would, until Ctrl-C; prints its address and token."""
    from sandbox.server import serve

    serve(
        get_settings().home / "sandbox",
        schools=schools,
        seed=seed,
        size=size,
        today=date.fromisoformat(today),
        port=port,
        ready=lambda told: print_json({"MIS_WONDE_URL": told.url, "MIS_WONDE_TOKEN": told.token}),
    )


@quarantine_app.command("list")
def quarantine_list(
    school: Annotated[int | None, typer.Option(help="Only this school (its id in `mis status`).")] = None,
    category: Annotated[Category | None, typer.Option(help="Only this category.")] = None,
    as_json: AsJson = False,
) -> None:
    """List open quarantine rows: where, which rules, since when."""
    from orchestration.ingest import quarantine
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        entries = quarantine.list_open(connection, school_id=school, category=category)
    if as_json:
        print_json([entry.as_json() for entry in entries])
        return
    print_table(
        ("id", "school", "table", "key", "rules", "since"),
        [
            (
                e.quarantine_id,
                e.school_id,
                e.table_name,
                json.dumps(e.row_key),
                ", ".join(e.rules),
                f"{e.quarantined_at:%Y-%m-%d %H:%M}",
            )
            for e in entries
        ],
    )


@quarantine_app.command("show")
def quarantine_show(
    quarantine_id: Annotated[int, typer.Argument(help="Id as `mis quarantine list` prints it.")],
) -> None:
    """Show one row whole: its payload as received, and every rule it broke."""
    from orchestration.ingest import quarantine
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        entry = quarantine.show(connection, quarantine_id)
    if entry is None:
        fail(f"There is no quarantine row {quarantine_id}. `mis quarantine list` shows the open ones.")
    print_json(entry.as_json())


@quarantine_app.command("retry")
def quarantine_retry(
    school: Annotated[int | None, typer.Option(help="Only this school.")] = None,
    category: Annotated[Category | None, typer.Option(help="Only this category.")] = None,
) -> None:
    """Send open rows through the present rules again and load those that pass; the others stay."""
    from orchestration.ingest.retry import retry
    from orchestration.partners import open_partners
    from orchestration.runtime import partner_ready, warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, partner_ready(get_settings()):
        settings = get_settings()
        result = retry(warehouse, open_partners(settings), settings, school_id=school, category=category)
    out.print(f"{result.loaded} rows loaded, {result.still_bad} still break a rule, {result.not_tried} not tried.")
    for note in result.notes:
        out.print(f"- {note}")


def _execute(as_json: bool, **options: Any) -> NoReturn:
    from orchestration.commands.run import execute
    from orchestration.commands.show_summary import show

    try:
        summary = execute(get_settings(), console=err, **options)
    except KeyboardInterrupt:
        _leave("Interrupted.", _INTERRUPTED)
    except psycopg.OperationalError as error:
        _leave(f"The warehouse went away: {str(error).strip()}", 1)
    if as_json:
        print_json(summary.as_json())
    else:
        show(summary, out)
    raise typer.Exit(0 if summary.success else 1)


def _leave(why: str, status: int) -> NoReturn:
    # A thread may still be at work, and Python would wait for it.
    err.print(f"{why} What had been accepted stays, and the next run carries on from there.", markup=False)
    sys.stderr.flush()
    os._exit(status)


#: Exit status after Ctrl-C, by convention: 128 and the signal's number.
_INTERRUPTED = 130

#: What an operator can mend: the message says how, and a traceback would only hide it.
_MENDABLE = (ClusterError, DbtError, PartnerNotConfigured, SuiteError, WarehouseError)


def main() -> None:
    """Run the command; a mistake in the configuration ends it with a sentence and exit status 2."""
    try:
        app()
    except ValidationError as error:
        for wrong in error.errors():
            where = "_".join(str(part) for part in wrong["loc"]).upper()
            variable = where if where == "DATABASE_URL" else f"MIS_{where}"
            err.print(f"{variable if where else 'Settings'}: {wrong['msg']}", markup=False)
        sys.exit(2)
    except _MENDABLE as error:
        err.print(str(error), markup=False)
        sys.exit(2)
