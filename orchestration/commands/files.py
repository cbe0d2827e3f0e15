"""``mis template`` and ``mis load``: data that comes as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.files.reading import KINDS
from orchestration.files.templates import TEMPLATES
from orchestration.settings import get_settings

if TYPE_CHECKING:
    from orchestration.files.loading import Report

_TARGETS = "targets"


class Format(StrEnum):
    """Kinds of file a template can be written as."""

    CSV = "csv"
    XLSX = "xlsx"


class GoodRowsOption(StrEnum):
    """What is to be done with good rows beside bad ones."""

    LOAD = "load"
    HOLD = "hold"


def template(
    kind: Annotated[str | None, typer.Argument(help="The template; --list names them.", show_default=False)] = None,
    *,
    list_all: Annotated[bool, typer.Option("--list", help="Name the templates, and what each is for.")] = False,
    format_: Annotated[
        Format | None, typer.Option("--format", help="As CSV or XLSX; by the name of the file if it is given.")
    ] = None,
    school: Annotated[
        str | None,
        typer.Option(help="With a row for each pupil on roll of this school, by number, URN, LAESTAB or name."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; by default KIND.csv in this folder.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="For targets: e-mail address of the person who acts.")] = None,
) -> None:
    """Write a template to fill in, as CSV or as a workbook with notes and lists to choose from."""
    if list_all or kind is None:
        print_table(
            ("template", "for"),
            [
                *((one.name, one.description) for one in TEMPLATES.values()),
                (_TARGETS, "Pupils' targets beside their estimates; see `mis targets`."),
            ],
        )
        return
    chosen = file or Path(f"{kind}.{(format_ or Format.CSV).value}")
    if format_ is not None and chosen.suffix != f".{format_.value}":
        raise typer.BadParameter(f"{chosen.name} is no .{format_.value}.", param_hint="--output")
    if kind == _TARGETS:
        from orchestration.commands import targets

        if school is None or by is None:
            raise typer.BadParameter("a template of targets is a school's: say --school and --by.", param_hint="KIND")
        targets.template(chosen, by=by, school=school)
        return
    if kind not in TEMPLATES:
        raise typer.BadParameter(f"there is no template {kind!r}. `mis template --list` names them.", param_hint="KIND")
    _write(kind, chosen, school)


def _write(kind: str, file: Path, school: str | None) -> None:
    from orchestration.files import template_files
    from orchestration.files.faults import FileError
    from orchestration.files.vocabulary import read_vocabulary

    vocabulary = read_vocabulary(get_settings().attainment_dir)
    pupils = _pupils(kind, school) if school is not None else []
    try:
        template_files.write(file, TEMPLATES[kind], vocabulary, pupils)
    except FileError as error:
        fail(str(error))
    filled = f" with {len(pupils)} pupils" if school is not None else ""
    out.print(f"Wrote {file}{filled}. Fill it in, then: mis load {kind} {file} --school NUMBER", markup=False)


def _pupils(kind: str, school: str) -> list[dict[str, str]]:
    from orchestration.access.people import PersonError, find_schools
    from orchestration.files.roll import on_roll
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            (school_id,) = find_schools(connection, [school])
        except PersonError as error:
            fail(str(error))
        pupils = on_roll(connection, school_id, TEMPLATES[kind].nc_years)
    if not pupils:
        fail(f"School {school_id} has nobody on roll for {kind}. Extract it first, or leave --school out.")
    return pupils


def load(
    kind: Annotated[str, typer.Argument(help=f"What the file is: {', '.join(KINDS)} or {_TARGETS}.")],
    file: Annotated[Path, typer.Argument(help="The file, as it was received.", exists=True, dir_okay=False)],
    *,
    school: Annotated[str | None, typer.Option(help="The school it is for, by number, URN, LAESTAB or name.")] = None,
    good_rows: Annotated[
        GoodRowsOption, typer.Option(help="When a row is bad: load the good ones, or hold all back.")
    ] = GoodRowsOption.HOLD,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would become of it, and write nothing.")] = False,
    centre: Annotated[
        str | None, typer.Option(help="For edi: the school's centre number, five digits; it is kept.")
    ] = None,
    replaces: Annotated[
        int | None,
        typer.Option(help="Number of the file that this one corrects: what only that brought is marked as removed."),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who loads it; you by default. For targets an e-mail address.")] = None,
    as_json: AsJson = False,
) -> None:
    """Load a file for a school. Exit status 1 when it was refused or a row is bad; the report says where and why."""
    if kind == _TARGETS:
        from orchestration.commands import targets

        if by is None or dry_run:
            raise typer.BadParameter("targets need --by, and have no --dry-run.", param_hint="KIND")
        targets.import_(file, by=by, good_rows=good_rows is GoodRowsOption.LOAD, as_json=as_json)
        return
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(KINDS)}, {_TARGETS}.", param_hint="KIND")
    if school is None:
        raise typer.BadParameter("say for which school.", param_hint="--school")
    if centre is not None and not (centre.isdecimal() and len(centre) == 5):
        raise typer.BadParameter(f"{centre!r} is no centre number: it has five digits.", param_hint="--centre")
    report = _load(kind, file, school, good_rows, dry_run=dry_run, centre=centre, replaces=replaces, by=by)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    raise typer.Exit(0 if report.state in ("loaded", "unchanged", "would_load") else 1)


def _load(
    kind: str,
    file: Path,
    school: str,
    good_rows: GoodRowsOption,
    *,
    dry_run: bool,
    centre: str | None,
    replaces: int | None,
    by: str | None,
) -> Report:
    from orchestration.access.people import PersonError, actor, find_schools
    from orchestration.files.loading import LoadError, load_file
    from orchestration.files.reading import Request
    from orchestration.runtime import warehouse_ready

    settings = get_settings()
    with warehouse_ready(settings) as warehouse:
        try:
            with warehouse.connect() as connection:
                (school_id,) = find_schools(connection, [school])
            request = Request(file, kind, school_id, by or actor(), centre, replaces)
            return load_file(warehouse, settings, request, good_rows=good_rows.value, dry_run=dry_run)
        except (PersonError, LoadError) as error:
            fail(str(error))


def _show(report: Report) -> None:
    for problem in (*report.faults, *report.warnings):
        out.print(str(problem), markup=False)
    if report.state == "unchanged":
        out.print(report.message, markup=False)
        return
    out.print(
        f"{report.name}: {report.rows_good} good rows, {report.rows_bad} bad, {report.rows_left_out} left out;"
        f" {report.rows_loaded} loaded, {report.raw_rows_written} rows of the warehouse new or changed,"
        f" {report.raw_rows_removed} removed.",
        markup=False,
    )
    match report.state:
        case "rejected":
            out.print("Nothing was loaded. Correct the file; or, where single rows are bad, use --good-rows load.")
        case "loaded" | "loaded_in_part":
            out.print(f"It is file {report.file_id}. The marts show it after the next `mis publish`.")
        case _:
            out.print(f"{report.message} It {report.state.replace('_', ' ')}.")
