"""The summary of a run, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.summary import AttendanceFigures, CategoryFigures, GateFigures, RunSummary


def show(summary: RunSummary, console: Console) -> None:
    """Print the summary: what came in, what the gates said, what is published, what to look at next."""
    _print(console, "Extracted", _EXTRACTED, map(_extracted, summary.categories))
    _print(console, "Rules", _RULES, map(_rules, summary.gates))
    _print(console, "Attendance beside England, %", _ATTENDANCE, map(_attendance, summary.attendance))
    costs = ((stage.name, f"{stage.seconds:.1f}", f"{stage.peak_mib:.0f}") for stage in summary.stages)
    _print(console, "Cost", ("stage", "seconds", "peak MiB"), costs)
    published = ", ".join(f"{p.purpose} ({p.relations} relations)" for p in summary.published) or "nothing"
    console.print(f"Published: {published}.")
    for trouble in summary.troubles:
        where = escape(f"{trouble.school} ({trouble.school_id}), {trouble.category}: {trouble.message}")
        console.print(f"[red]{trouble.state}[/] {where}")
    for rule in summary.broken:
        says = f"{rule.relation}, {rule.rule_id} ({rule.rows_failed} rows): {rule.message} {rule.what_to_do}"
        console.print(f"[red]{rule.outcome}[/] {escape(says)}")
    for failure in summary.failures:
        console.print(f"[red]failed[/] {escape(failure)}")
    ending = "[green]Everything succeeded.[/]" if summary.success else "[red]Not everything succeeded; see above.[/]"
    console.print(ending)
    for step in summary.next_steps:
        console.print(f"- {escape(step)}")


_EXTRACTED = ("category", "schools", "extracted", "changed", "quarantined", "removed", "held", "failed")
_RULES = ("gate", "passed", "warned", "failed")
_ATTENDANCE = ("year", "school", "phase", "attendance", "England", "persistently absent", "England")


def _extracted(figures: CategoryFigures) -> tuple[str, ...]:
    rows = (figures.rows_extracted, figures.rows_loaded, figures.rows_quarantined, figures.rows_removed)
    schools = f"{figures.loaded_schools}/{figures.schools}"
    not_loaded = (str(figures.held_schools), str(figures.failed_schools))
    return (figures.category, schools, *(f"{number:,}" for number in rows), *not_loaded)


def _rules(figures: GateFigures) -> tuple[str, ...]:
    return (figures.stage, str(figures.passed), str(figures.warned), str(figures.failed))


def _attendance(figures: AttendanceFigures) -> tuple[str, ...]:
    rates = (
        figures.attendance_percent,
        figures.national_percent,
        figures.persistent_percent,
        figures.national_persistent_percent,
    )
    shown = ("" if rate is None else f"{rate:.1f}" for rate in rates)
    return (str(figures.academic_year), figures.school, figures.phase, *shown)


def _print(console: Console, title: str, header: Sequence[str], rows: Iterable[tuple[str, ...]]) -> None:
    """A table, numbers to the right; nothing when there is no row."""
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(header):
        table.add_column(heading, justify="left" if place == 0 or heading in {"school", "phase"} else "right")
    for row in rows:
        table.add_row(*map(escape, row))
    if table.row_count:
        console.print(table)
