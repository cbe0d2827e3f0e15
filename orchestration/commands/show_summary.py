"""The summary of a run, for people."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from orchestration.summary import RunSummary


def show(summary: RunSummary, console: Console) -> None:
    """Print the summary: what came in, what the gates said, what is published, what to look at next."""
    if summary.categories:
        table = Table("category", title="Extracted", title_justify="left")
        for heading in ("schools", "extracted", "changed", "quarantined", "removed", "held", "failed"):
            table.add_column(heading, justify="right")
        for c in summary.categories:
            table.add_row(
                c.category,
                f"{c.loaded_schools}/{c.schools}",
                *(f"{n:,}" for n in (c.rows_extracted, c.rows_loaded, c.rows_quarantined, c.rows_removed)),
                str(c.held_schools),
                str(c.failed_schools),
            )
        console.print(table)
    if summary.gates:
        table = Table("gate", "passed", "warned", "failed", title="Rules", title_justify="left")
        for g in summary.gates:
            table.add_row(g.stage, str(g.passed), str(g.warned), str(g.failed))
        console.print(table)
    if summary.attendance:
        table = Table("year", "school", "phase", title="Attendance beside England, %", title_justify="left")
        for heading in ("attendance", "England", "persistently absent", "England"):
            table.add_column(heading, justify="right")
        for a in summary.attendance:
            table.add_row(
                str(a.academic_year),
                a.school,
                a.phase,
                *(
                    "" if value is None else f"{value:.1f}"
                    for value in (
                        a.attendance_percent,
                        a.national_percent,
                        a.persistent_percent,
                        a.national_persistent_percent,
                    )
                ),
            )
        console.print(table)
    if summary.stages:
        table = Table("stage", title="Cost", title_justify="left")
        for heading in ("seconds", "peak MiB"):
            table.add_column(heading, justify="right")
        for stage in summary.stages:
            table.add_row(stage.name, f"{stage.seconds:.1f}", f"{stage.peak_mib:.0f}")
        console.print(table)
    published = ", ".join(f"{p.purpose} ({p.relations} relations)" for p in summary.published) or "nothing"
    console.print(f"Published: {published}.")
    for trouble in summary.troubles:
        console.print(f"[red]{trouble.state}[/] {trouble.school} ({trouble.school_id}), {trouble.category}: {escape(trouble.message)}")
    for failure in summary.failures:
        console.print(f"[red]failed[/] {escape(failure)}")
    console.print("[green]Everything succeeded.[/]" if summary.success else "[red]Not everything succeeded; see above.[/]")
    for step in summary.next_steps:
        console.print(f"- {step}")
