"""``mis alert``: the alert rules, and how schools set them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated

import typer

from orchestration.access.people import actor
from orchestration.alert_settings import AlertSettingError, RuleInForce, reset_rules, rules_in_force, set_rule
from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.settings import get_settings

app = typer.Typer(help="Rules of the attendance alerts: show them, and set them for a school.", no_args_is_help=True)

_LATER = "It takes effect with the next `mis publish attendance`."


@app.command("rules")
def rules(
    school: Annotated[int | None, typer.Option(help="As this school has set them (its id in `mis status`).")] = None,
    as_json: AsJson = False,
) -> None:
    """List the rules with their settings: the defaults, or a school's own."""
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            found = rules_in_force(connection, school)
        except AlertSettingError as error:
            fail(str(error))
    if as_json:
        print_json([rule.as_json() for rule in found])
        return
    print_table(
        ("rule", "name", "on", "threshold", "below", "unit", "look-back", "minimum sessions", "severity", "set by"),
        [_row(rule) for rule in found],
    )


@app.command("set")
def set_(
    rule: Annotated[str, typer.Argument(help="Id of the rule, as `mis alert rules` prints it.")],
    *,
    school: Annotated[int, typer.Option(help="The school (its id in `mis status`).")],
    threshold: Annotated[str | None, typer.Option(help="From here on the rule speaks, in the rule's unit.")] = None,
    look_back: Annotated[int | None, typer.Option(help="School days or weeks the rule looks back.")] = None,
    minimum_sessions: Annotated[
        int | None, typer.Option(help="Possible sessions below which the rule is silent.")
    ] = None,
    on: Annotated[bool | None, typer.Option("--on/--off", help="Whether the rule speaks at all.")] = None,
    by: Annotated[str | None, typer.Option(help="Who sets it; you by default.")] = None,
) -> None:
    """Set a rule for one school; what is not given stays as it was."""
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            now = set_rule(
                connection,
                rule,
                school,
                set_by=by or actor(),
                is_enabled=on,
                threshold=_number(threshold),
                look_back=look_back,
                minimum_sessions=minimum_sessions,
            )
        except AlertSettingError as error:
            fail(str(error))
    state = f"from {now.threshold} {now.unit}" if now.is_enabled else "off"
    out.print(f"{rule} for school {school}: {state}. {_LATER}", markup=False)


@app.command("reset")
def reset(
    rule: Annotated[str | None, typer.Argument(help="Id of the rule; all rules when none is named.")] = None,
    *,
    school: Annotated[int, typer.Option(help="The school (its id in `mis status`).")],
) -> None:
    """Return a rule of a school, or all of them, to the default."""
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse, warehouse.connect() as connection:
        try:
            count = reset_rules(connection, school, rule)
        except AlertSettingError as error:
            fail(str(error))
    out.print(f"{count} rules of school {school} are back at their defaults. {_LATER if count else ''}".rstrip())


def _number(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise AlertSettingError(f"The threshold must be a number, not {text!r}.") from None
    if not number.is_finite():
        raise AlertSettingError(f"The threshold must be a number, not {text!r}.")
    return number


def _row(rule: RuleInForce) -> tuple[object, ...]:
    look_back = None if rule.look_back is None else f"{rule.look_back} {rule.look_back_unit}"
    return (
        rule.rule_id,
        rule.rule_title,
        "yes" if rule.is_enabled else "no",
        rule.threshold,
        rule.upper_threshold,
        rule.unit,
        look_back,
        rule.minimum_sessions or None,
        rule.severity,
        rule.set_by,
    )
