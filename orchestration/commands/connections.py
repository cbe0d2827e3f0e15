"""``mis connections``: who lets us read what, what is due when, and what happens when a school moves or leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer

from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.settings import get_settings

app = typer.Typer(
    help="Connections to schools: state, scopes and agenda; the ledger of consent; moves and deletions.",
    no_args_is_help=True,
)

School = Annotated[int, typer.Option(help="The school (its id in `mis status`).")]
AnySchool = Annotated[int | None, typer.Option(help="Only this school (its id in `mis status`).")]


@contextmanager
def _warehouse() -> Iterator[psycopg.Connection[Any]]:
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        yield connection


@app.command("list")
def list_(school: AnySchool = None, as_json: AsJson = False) -> None:
    """List connections: state, scopes, last and next extract, rows, what is held or in quarantine."""
    from orchestration.connection_report import statuses
    from orchestration.ingest import agenda

    with _warehouse() as connection:
        agenda.refresh(connection, datetime.now(UTC))
        found = statuses(connection, get_settings().application, school)
    if as_json:
        print_json([status.as_json() for status in found])
        return
    print_table(
        (
            "id", "school", "partner", "state", "since", "serves", "scopes", "last extract", "next extract", "rows",
            "quarantined", "held", "failed", "may be deleted",
        ),
        [
            (
                s.school_id, s.name, s.partner, s.state, _when(s.state_since), "yes" if s.serves else "",
                f"{s.scopes_granted}/{s.scopes_asked}", _when(s.last_extract), _when(s.next_extract),
                f"{s.rows_last_extracted:,}", s.quarantined or "", ", ".join(s.held), ", ".join(s.failed),
                _when(s.delete_after),
            )
            for s in found
        ],
    )  # fmt: skip


@app.command("ledger")
def ledger(school: AnySchool = None, as_json: AsJson = False) -> None:
    """Print the ledger of consent: every change of every connection, and how we learned of it."""
    from dataclasses import asdict

    from orchestration.connection_report import ledger as read

    with _warehouse() as connection:
        events = read(connection, school)
    if as_json:
        print_json([asdict(event) for event in events])
        return
    print_table(
        ("when", "id", "school", "partner", "what", "scope", "before", "after", "learned from", "reason"),
        [
            (
                _when(e.happened_at), e.school_id, e.name, e.partner, e.kind, e.scope, e.before, e.after,
                e.learned_from, e.reason,
            )
            for e in events
        ],
    )  # fmt: skip


@app.command("uses")
def uses(school: AnySchool = None, as_json: AsJson = False) -> None:
    """Say which of our purposes use which categories of a school's data: what to show a school that asks."""
    from dataclasses import asdict

    from orchestration.connection_report import uses as read

    with _warehouse() as connection:
        found = read(connection, school)
    if as_json:
        print_json([asdict(use) for use in found])
        return
    print_table(
        ("id", "school", "application", "purpose", "category", "used", "state", "approved since", "last read"),
        [
            (
                u.school_id, u.name, u.application, u.purpose, u.category, "yes" if u.is_used else "no", u.state,
                _when(u.since), _when(u.last_read),
            )
            for u in found
        ],
    )  # fmt: skip


@app.command("unmatched")
def unmatched(school: School, as_json: AsJson = False) -> None:
    """List pupils whom the school's last move left alone: not found again, or come with it unknown."""
    from dataclasses import asdict

    from orchestration.ingest.rematching import unmatched as read

    with _warehouse() as connection:
        found = read(connection, school)
    if as_json:
        print_json([asdict(pupil) for pupil in found])
        return
    print_table(
        ("side", "pupil", "forename", "surname", "UPN", "date of birth"),
        [(p.side, p.pupil_id, p.forename, p.surname, p.upn, p.date_of_birth) for p in found],
    )
    if found:
        out.print(f"Two lines that are one pupil: mis connections match --school {school} BEFORE AFTER")


@app.command("match")
def match(
    before: Annotated[str, typer.Argument(help="The pupil's id of the side `before`.")],
    after: Annotated[str, typer.Argument(help="The same pupil's id of the side `after`.")],
    *,
    school: School,
) -> None:
    """Say that two unmatched pupils are one; it holds from the school's next extract on, which is a full one."""
    from orchestration.ingest.rematching import match_by_hand

    with _warehouse() as connection:
        try:
            match_by_hand(connection, school, before=before, after=after)
        except ValueError as error:
            fail(str(error))
    out.print(f"Noted. mis extract --school {school} reads the school again; then mis publish.")


@app.command("serve")
def serve(partner: Annotated[str, typer.Argument(help="wonde or groupcall.")], *, school: School) -> None:
    """Read a school through another of its approved connections from now on."""
    from orchestration.ingest.registry import RegistryError, choose

    with _warehouse() as connection:
        try:
            choose(connection, get_settings(), school, partner)
        except RegistryError as error:
            fail(str(error))
    out.print(f"School {school} is read through {partner} from its next extract on, which is a full one.")


@app.command("moved")
def moved(*, school: School) -> None:
    """Say that a school has moved within its MIS, as to its trust's: every id is another, and no partner tells."""
    from orchestration.ingest.registry import RegistryError
    from orchestration.ingest.registry import moved as enter

    with _warehouse() as connection:
        try:
            enter(connection, get_settings(), school)
        except RegistryError as error:
            fail(str(error))
    out.print(
        f"Noted. mis extract --school {school} reads the school anew; mis connections unmatched --school {school} then "
        "lists who was not found again."
    )


@app.command("know")
def know(
    *,
    school: School,
    urn: Annotated[int | None, typer.Option(help="Unique reference number; Groupcall sends none.")] = None,
    own_codes: Annotated[
        bool | None, typer.Option("--own-codes/--national-codes", help="Whether it keeps attendance codes of its own.")
    ] = None,
) -> None:
    """Enter what the partner does not tell of a school; what the partner does tell takes its place again."""
    from orchestration.ingest.registry import RegistryError
    from orchestration.ingest.registry import know as enter

    with _warehouse() as connection:
        try:
            enter(connection, school, urn=urn, has_custom_codes=own_codes)
        except RegistryError as error:
            fail(str(error))


@app.command("delete")
def delete(school: School, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete everything that came from a school that has revoked, when its time is up; there is no way back."""
    from orchestration.ingest.archive import Archive
    from orchestration.privacy.deletion import DeletionError, delete_school

    if not yes:
        typer.confirm(f"Delete all data of school {school}, archived pages included?", abort=True)
    settings = get_settings()
    with _warehouse() as connection:
        try:
            deleted = delete_school(connection, Archive(settings.archive), school)
        except DeletionError as error:
            fail(str(error))
    print_table(("table", "rows"), list(deleted.items()))


def _when(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else None
