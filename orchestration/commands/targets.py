"""``mis targets``: policies, pre-population, files, review to lock, and what new estimates would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer
from psycopg.rows import TupleRow

from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.settings import get_settings
from orchestration.targets.policy import Floor, Policy, Rounding, Scope, WhoMayEdit
from orchestration.targets.rules import MOVES, Act, Status

if TYPE_CHECKING:
    from orchestration.access.people import Person
    from orchestration.targets.groups import Group

app = typer.Typer(
    help="Pupils' targets: set by policy or file, reviewed, approved, locked. Each command acts for a person (--by).",
    no_args_is_help=True,
)
policy_app = typer.Typer(help="How targets come from estimates, and who may change them.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")

By = Annotated[str, typer.Option(help="E-mail address of the person who acts or looks, with their rights.")]
School = Annotated[str, typer.Option(help="The school, by number, URN, LAESTAB or name.")]
Year = Annotated[
    int | None, typer.Option("--year", help="Academic year as 202526; that of the published estimates by default.")
]
YearGroup = Annotated[str | None, typer.Option(help="Only this national curriculum year.")]
Qualification = Annotated[str | None, typer.Option(help="Only this qualification, as estimates name it: GCSE.")]
Subject = Annotated[str | None, typer.Option(help="Only this subject, as estimates name it: Mathematics.")]
GroupId = Annotated[str | None, typer.Option("--group", help="Only pupils of this teaching group (its group_id).")]
OutFile = Annotated[Path, typer.Argument(help="File to write: .csv or .xlsx.")]

_MOVE_HELP = {
    Act.SUBMIT: "Propose pre-populated or rejected targets as they stand.",
    Act.REVIEW: "Review pre-populated and proposed targets for the subject.",
    Act.APPROVE: "Approve reviewed targets; not those that one has proposed oneself.",
    Act.REJECT: "Send targets back to be proposed anew; needs --comment.",
    Act.LOCK: "Lock approved targets: a later change needs a reason and approval.",
}


@policy_app.command("set")
def set_policy(
    *,
    by: By,
    reason: Annotated[str, typer.Option(help="Why, in plain English.")],
    year: Annotated[int, typer.Option("--year", help="Academic year as 202526.")],
    school: Annotated[str | None, typer.Option(help="The school, by number, URN, LAESTAB or name.")] = None,
    trust: Annotated[str | None, typer.Option(help="Or the trust whose default it is, by its number (UID).")] = None,
    year_group: YearGroup = None,
    qualification: Qualification = None,
    subject: Subject = None,
    challenge: Annotated[
        list[str] | None,
        typer.Option(help="Per cent of schools that do better: 50, 20, 5; given twice, the mid-point is meant."),
    ] = None,
    offset: Annotated[str, typer.Option(help="Points added to the estimate; may be negative.")] = "0",
    rounding: Annotated[Rounding, typer.Option(help="To a grade of the scale.")] = Rounding.NEAREST,
    floor: Annotated[Floor, typer.Option(help="What a target may not be below.")] = Floor.NONE,
    floor_grade: Annotated[str | None, typer.Option(help="The grade, with --floor grade.")] = None,
    who_may_edit: Annotated[
        WhoMayEdit, typer.Option(help="Who of the editors may propose others.")
    ] = WhoMayEdit.EDITORS,
    include: Annotated[bool, typer.Option("--include/--exclude", help="Whether targets are set in it at all.")] = True,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="The scope has no policy of its own any more.")] = False,
) -> None:
    """State the policy of a scope, whole; the former statement stays in the log. Targets change when pre-populated."""
    from orchestration.access.people import find_schools
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        school_id = None if school is None else find_schools(connection, [school])[0]
        entry_id = service.set_policy(
            connection,
            person,
            Scope(year, school_id, trust, year_group, qualification, subject),
            Policy(
                include,
                tuple(_number(level, "--challenge") for level in challenge or ["50"]),
                _number(offset, "--offset"),
                rounding,
                floor,
                floor_grade,
                who_may_edit,
            ),
            reason=reason,
            is_withdrawn=withdraw,
        )
    out.print(
        f"Policy {entry_id} is {'withdrawn' if withdraw else 'stated'}. `mis targets prepopulate` applies policies."
    )


@policy_app.command("show")
def show_policies(
    *, by: By, school: School, year: Year = None, year_group: YearGroup = None, as_json: AsJson = False
) -> None:
    """Show the policy in force for each year group and subject, and every statement about them."""
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        group = _group(connection, person, school, year, nc_year=year_group)
        in_force, entries = service.policies(connection, person, group)
    if as_json:
        print_json({"in_force": in_force, "entries": [asdict(entry) for entry in entries]})
        return
    print_table(
        (
            "year group",
            "qualification",
            "subject",
            "policy",
            "included",
            "challenge",
            "offset",
            "rounding",
            "floor",
            "edit",
        ),
        [
            (
                row["nc_year"],
                row["qualification"],
                row["subject"],
                row["entry_id"] or "default",
                "yes" if row["is_included"] else "no",
                _levels(row["challenge_levels"]),
                row["offset_points"],
                row["rounding"],
                row["floor_grade"] or row["floor"],
                row["who_may_edit"],
            )
            for row in in_force
        ],
    )
    print_table(
        ("policy", "whose", "year group", "qualification", "subject", "state", "reason", "by", "at"),
        [
            (
                entry.entry_id,
                "the school" if entry.scope.school_id is not None else f"trust {entry.scope.trust_uid}",
                entry.scope.nc_year,
                entry.scope.qualification,
                entry.scope.subject,
                "withdrawn" if entry.is_withdrawn else "stated",
                entry.reason,
                entry.set_by,
                f"{entry.set_at:%Y-%m-%d %H:%M}",
            )
            for entry in entries
        ],
    )


@app.command("prepopulate")
def prepopulate(
    *,
    by: By,
    school: School,
    year: Year = None,
    year_group: YearGroup = None,
    qualification: Qualification = None,
    subject: Subject = None,
    group: GroupId = None,
    as_json: AsJson = False,
) -> None:
    """Set targets by policy from the published estimates; what people have set or confirmed stays."""
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        chosen = _group(
            connection,
            person,
            school,
            year,
            nc_year=year_group,
            qualification=qualification,
            subject=subject,
            group_id=group,
        )
        done = service.prepopulate(connection, person, chosen)
    if as_json:
        print_json(asdict(done))
        return
    out.print(
        f"{done.set_now} targets set, {done.moved} moved, {done.unchanged} as before, {done.kept} kept as people have"
        f" them; {done.not_estimated} without an estimate, {done.not_included} not included."
    )


@app.command("rollover")
def roll_over(*, by: By, school: School, year: Year = None, year_group: YearGroup = None) -> None:
    """Carry last year's approved and locked targets over for pupils who go on with the subject."""
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        carried = service.roll_over(connection, person, _group(connection, person, school, year, nc_year=year_group))
    out.print(f"{carried} targets carried over. They wait for review: mis targets review.")


@app.command("differences")
def differences(
    *,
    by: By,
    school: School,
    year: Year = None,
    year_group: YearGroup = None,
    qualification: Qualification = None,
    subject: Subject = None,
    group: GroupId = None,
    as_json: AsJson = False,
) -> None:
    """List targets whose estimate is another one now; none is moved by that."""
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        chosen = _group(
            connection,
            person,
            school,
            year,
            nc_year=year_group,
            qualification=qualification,
            subject=subject,
            group_id=group,
        )
        found = service.differences(connection, person, chosen)
    if as_json:
        print_json(found)
        return
    print_table(
        (
            "pupil",
            "year group",
            "subject",
            "target",
            "status",
            "challenge",
            "estimate then",
            "now",
            "chance then",
            "now",
        ),
        [
            (
                row["pupil_key"],
                row["nc_year"],
                row["subject"],
                row["grade"],
                row["status"],
                _levels(row["challenge_levels"]),
                _levels(row["estimate_then"]),
                _levels(row["estimate_now"]),
                _percent(row["chance_then"]),
                _percent(row["chance_now"]),
            )
            for row in found
        ],
    )


@app.command("status")
def status(*, by: By, school: School, year: Year = None, year_group: YearGroup = None, as_json: AsJson = False) -> None:
    """Show how many targets are set, reviewed, approved and locked, by subject."""
    from orchestration.targets import service

    with _acting(by) as (connection, person):
        found = service.progress(connection, person, _group(connection, person, school, year, nc_year=year_group))
    if as_json:
        print_json(found)
        return
    print_table(
        ("qualification", "subject", "pupils", "set", "reviewed", "approved", "locked", "rejected"),
        [
            (
                row["qualification"],
                row["subject"],
                row["pupils"],
                *(_percent(row[name] / row["pupils"]) for name in ("set_targets", "reviewed", "approved", "locked")),
                row["rejected"],
            )
            for row in found
        ],
    )


@app.command("template")
def template(
    file: OutFile,
    *,
    by: By,
    school: School,
    year: Year = None,
    year_group: YearGroup = None,
    qualification: Qualification = None,
    subject: Subject = None,
    group: GroupId = None,
) -> None:
    """Write a file to fill in: pupils, prior attainment, estimates, present targets and their chance."""
    with _acting(by) as (connection, person):
        chosen = _group(
            connection,
            person,
            school,
            year,
            nc_year=year_group,
            qualification=qualification,
            subject=subject,
            group_id=group,
        )
        _write(connection, person, chosen, file, lambda row: True)


@app.command("export")
def export(
    file: OutFile,
    *,
    by: By,
    school: School,
    year: Year = None,
    year_group: YearGroup = None,
    qualification: Qualification = None,
    subject: Subject = None,
    group: GroupId = None,
    state: Annotated[list[Status] | None, typer.Option("--status", help="Only targets that stand so.")] = None,
) -> None:
    """Write the targets that there are, in the template's layout."""
    wanted = set(state or Status)
    with _acting(by) as (connection, person):
        chosen = _group(
            connection,
            person,
            school,
            year,
            nc_year=year_group,
            qualification=qualification,
            subject=subject,
            group_id=group,
        )
        _write(connection, person, chosen, file, lambda row: row["status"] in wanted)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The template, filled in.", exists=True, dir_okay=False)],
    *,
    by: By,
    good_rows: Annotated[
        bool, typer.Option("--good-rows", help="Load the rows that can be, and report the others; else all or none.")
    ] = False,
    comment: Annotated[str | None, typer.Option(help="The reason; a change after the lock needs one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose what a file says. Exit status 1 when some row cannot be loaded; the report says which and why."""
    from orchestration.targets.imports import import_file

    with _acting(by) as (connection, person):
        report = import_file(connection, person, file, good_rows=good_rows, comment=comment)
    if as_json:
        print_json(asdict(report))
    else:
        for problem in report.problems:
            out.print(str(problem), markup=False)
        out.print(
            f"{report.rows} rows: {report.loaded} loaded, {report.unchanged} without another target,"
            f" {len(report.problems)} that cannot be."
        )
        if report.problems and not good_rows:
            out.print("Nothing was loaded. Correct the rows, or load the others with --good-rows.")
    raise typer.Exit(1 if report.problems else 0)


def _mover(act: Act) -> Callable[..., None]:
    def command(
        *,
        by: By,
        school: School,
        year: Year = None,
        year_group: YearGroup = None,
        qualification: Qualification = None,
        subject: Subject = None,
        group: GroupId = None,
        comment: Annotated[str | None, typer.Option(help="What is said with it.")] = None,
    ) -> None:
        from orchestration.targets import service

        with _acting(by) as (connection, person):
            chosen = _group(
                connection,
                person,
                school,
                year,
                nc_year=year_group,
                qualification=qualification,
                subject=subject,
                group_id=group,
            )
            outcome = service.move_group(connection, person, act, chosen, comment)
        out.print(f"{act}: {outcome.done} targets.")
        for times, error in outcome.refused.values():
            out.print(f"{times} refused, for instance: {error}", markup=False)
        raise typer.Exit(1 if outcome.refused else 0)

    return command


for _act in MOVES:
    app.command(_act.value, help=_MOVE_HELP[_act])(_mover(_act))


@contextmanager
def _acting(by: str) -> Iterator[tuple[psycopg.Connection[TupleRow], Person]]:
    """A transaction of the migrated warehouse, and the person on whose behalf; a refusal ends the command plainly."""
    from orchestration.access.people import PersonError, person_by_email
    from orchestration.access.reading import NotAllowed
    from orchestration.files.faults import FileError
    from orchestration.runtime import warehouse_ready
    from orchestration.targets.faults import TargetError, TargetsRefused

    with warehouse_ready(get_settings()) as warehouse:
        try:
            with warehouse.connect() as connection:
                yield connection, person_by_email(connection, by)
        except (PersonError, NotAllowed, TargetError, TargetsRefused, FileError) as error:
            fail(str(error))


def _group(
    connection: psycopg.Connection[TupleRow],
    person: Person,
    school: str,
    year: int | None,
    *,
    nc_year: str | None,
    qualification: str | None = None,
    subject: str | None = None,
    group_id: str | None = None,
) -> Group:
    from orchestration.access.people import find_schools
    from orchestration.targets.groups import Group
    from orchestration.targets.service import school_year

    (school_id,) = find_schools(connection, [school])
    if year is None:
        year = school_year(connection, person, school_id)
    return Group(school_id, year, nc_year, qualification, subject, group_id)


def _write(
    connection: psycopg.Connection[TupleRow],
    person: Person,
    group: Group,
    file: Path,
    wanted: Callable[[dict[str, Any]], bool],
) -> None:
    from orchestration.targets import service
    from orchestration.targets.files import file_row, write

    service.pupils_by_upn(connection, person, group.school_id)  # who may not see names is told before anything is read
    rows = [row for row in service.sheet(connection, person, group) if wanted(row)]
    written = write(file, [file_row(group.school_id, group.academic_year, row) for row in rows if row["upn"]])
    out.print(f"{file}: {written} rows.", markup=False)
    if written < len(rows):
        out.print(f"{len(rows) - written} left out, because the pupil has no UPN: enter it in the MIS.")


def _number(text: str, option: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise typer.BadParameter(f"{text!r} is no number.", param_hint=option) from None


def _levels(values: Sequence[object] | None) -> str:
    return (
        ""
        if values is None
        else " and ".join(f"{value:f}" if isinstance(value, Decimal) else str(value) for value in values)
    )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
