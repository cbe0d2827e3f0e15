"""``mis intervention``: the log of what was done for pupils' attendance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import psycopg
import typer

from orchestration.access.people import actor
from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.interventions import Intervention, InterventionError, Statement, interventions
from orchestration.interventions import add as add_intervention
from orchestration.interventions import close as close_intervention
from orchestration.interventions import correct as correct_intervention
from orchestration.interventions import withdraw as withdraw_intervention
from orchestration.settings import get_settings

app = typer.Typer(
    help="What was done for pupils' attendance: an append-only log. The mart shows attendance before and after.",
    no_args_is_help=True,
)

_Number = Annotated[int, typer.Argument(help="Number of the intervention, as `mis intervention list` prints it.")]
_Note = Annotated[str | None, typer.Option(help="A few words, never published: no names, no health, no suspicion.")]
_By = Annotated[str | None, typer.Option(help="Who enters it; you by default.")]
_KIND = "What was done; a word from reference.intervention_kind."


@app.command("add")
def add(
    *,
    school: Annotated[int, typer.Option(help="The school (its id in `mis status`).")],
    pupil: Annotated[int, typer.Option(help="The pupil: pupil_key in attendance.pupil.")],
    kind: Annotated[str, typer.Option(help=_KIND)],
    on: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD; none while it goes on.")] = None,
    note: _Note = None,
    by: _By = None,
) -> None:
    """Enter an intervention for a pupil."""
    _enter(
        lambda connection: add_intervention(
            connection,
            Statement(school, pupil, kind, _day(on), _day(until) if until else None, note),
            recorded_by=by or actor(),
        )
    )


@app.command("list")
def list_(
    school: Annotated[int | None, typer.Option(help="Only this school.")] = None,
    pupil: Annotated[int | None, typer.Option(help="Only this pupil.")] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the interventions that stand, as last entered."""
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        found = interventions(connection, school_id=school, pupil_key=pupil, open_only=open_only)
    if as_json:
        print_json([one.as_json() for one in found])
        return
    print_table(
        ("number", "school", "pupil", "kind", "from", "until", "note", "entered by", "entered"),
        [
            (
                one.intervention_id,
                one.school_id,
                one.pupil_key,
                one.kind,
                one.started_on,
                one.ended_on or "goes on",
                one.note,
                one.recorded_by,
                f"{one.recorded_at:%Y-%m-%d %H:%M}",
            )
            for one in found
        ],
    )


@app.command("close")
def close(number: _Number, on: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD.")], by: _By = None) -> None:
    """Enter the last day of an intervention that goes on."""
    _enter(lambda c: close_intervention(c, number, ended_on=_day(on), recorded_by=by or actor()))


@app.command("correct")
def correct(
    number: _Number,
    *,
    kind: Annotated[str | None, typer.Option(help=_KIND)] = None,
    on: Annotated[str | None, typer.Option(help="First day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day, YYYY-MM-DD.")] = None,
    note: _Note = None,
    withdrawn: Annotated[bool, typer.Option("--withdraw", help="It was entered by mistake.")] = False,
    by: _By = None,
) -> None:
    """Correct what was entered; the former entry stays in the log."""
    entered_by = by or actor()
    if withdrawn:
        if (kind, on, until, note) != (None, None, None, None):
            fail("--withdraw takes the whole entry back: give nothing else with it.")
        _enter(lambda c: withdraw_intervention(c, number, recorded_by=entered_by))
        return
    _enter(
        lambda c: correct_intervention(
            c,
            number,
            kind=kind,
            started_on=_day(on) if on else None,
            ended_on=_day(until) if until else None,
            note=note,
            recorded_by=entered_by,
        )
    )


def _enter(entry: Callable[[psycopg.Connection[Any]], Intervention]) -> None:
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            entered = entry(connection)
        except InterventionError as error:
            fail(str(error))
    until = f"until {entered.ended_on}" if entered.ended_on else "goes on"
    state = "withdrawn" if entered.action == "withdraw" else f"{entered.kind} from {entered.started_on}, {until}"
    out.print(
        f"Intervention {entered.intervention_id}, school {entered.school_id}, pupil {entered.pupil_key}: {state}."
        " attendance.intervention shows it with the next `mis publish attendance`.",
        markup=False,
    )


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InterventionError(f"{text!r} is not a date: write it as 2025-03-03.") from None
