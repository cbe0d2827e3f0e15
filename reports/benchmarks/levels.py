"""Figures at each challenge level, with targets and current assessments beside those of the same pupils."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reports.benchmarks.names import figure, level_name, unit
from reports.charts.shapes import ranges
from reports.charts.theme import to_svg
from reports.database import Row
from reports.figures import Figure, Table, table
from reports.formats import NOT_AVAILABLE, SUPPRESSED, count

#: Sources beside the estimates: their name, and whose figures they are.
BESIDE = {"target": ("Target", "targeted"), "current": ("Current assessment", "assessed")}


@dataclass(frozen=True, slots=True)
class Line:
    """What is shown of one subject or group: rows by (source, population, challenge)."""

    name: str
    rows: Mapping[tuple[str, str, Decimal], Row]

    def row(self, source: str, population: str, challenge: Decimal = Decimal(0)) -> Row | None:
        return self.rows.get((source, population, challenge))

    def pupils(self, population: str, challenge: Decimal) -> str:
        row = self.row("estimate", population, challenge)
        return NOT_AVAILABLE if row is None else SUPPRESSED if _hidden(row) else count(row["pupils"])


def lines(rows: Sequence[Row], name: Callable[[Row], str]) -> list[Line]:
    """Put the rows of one name together, in the order in which they come."""
    found: dict[str, dict[tuple[str, str, Decimal], Row]] = {}
    for row in rows:
        found.setdefault(name(row), {})[row["source"], row["population"], row["challenge"]] = row
    return [Line(each, by_place) for each, by_place in found.items()]


def challenges(rows: Sequence[Row]) -> list[Decimal]:
    """Return the challenge levels that there are, the easiest first."""
    return sorted({row["challenge"] for row in rows if row["source"] == "estimate"}, reverse=True)


def cell(row: Row | None, measure: str) -> str:
    """A figure; c where it is hidden, a dash where there is none."""
    if row is None:
        return NOT_AVAILABLE
    return SUPPRESSED if _hidden(row) else figure(measure, row[measure])


@dataclass(frozen=True, slots=True)
class Figures:
    """A measure of subjects or groups (``what``) at each challenge level, and what else is known beside it."""

    what: str
    lines: Sequence[Line]
    levels: Sequence[Decimal]
    measure: str

    def parts(self, figure_id: str, title: str, cohort: str, *, targets: str, current: str) -> dict[str, Any]:
        """What a page shows of them; ``targets`` and ``current`` are the captions of the tables beside."""
        first = self.estimates(f"{title}, {cohort}") if self.lines else None
        return {
            "figure": self.chart(figure_id, title, first) if first else None,
            "estimates": first,
            "targets": self.beside("target", targets),
            "current": self.beside("current", current),
        }

    def estimates(self, caption: str) -> Table:
        """All pupils with an estimate, at each level."""
        return table(
            caption,
            [self.what, "Pupils", *(level_name(level) for level in self.levels)],
            [
                [
                    line.name,
                    line.pupils("estimated", self.levels[0]),
                    *(cell(line.row("estimate", "estimated", level), self.measure) for level in self.levels),
                ]
                for line in self.lines
            ],
        )

    def beside(self, source: str, caption: str) -> Table | None:
        """Targets or current assessments, and what the same pupils' estimates are; None where there are none."""
        name, population = BESIDE[source]
        rows = [
            [
                line.name,
                line.pupils(population, self.levels[0]),
                cell(mine, self.measure),
                *(cell(line.row("estimate", population, level), self.measure) for level in self.levels),
            ]
            for line in self.lines
            if (mine := line.row(source, population)) is not None
        ]
        same = [f"{level_name(level)}, same pupils" for level in self.levels]
        return table(caption, [self.what, "Pupils", name, *same], rows) if rows else None

    def chart(self, figure_id: str, title: str, numbers: Table) -> Figure | None:
        """Estimates from the easiest level to the hardest, with target and current assessment where there are such.

        None where every figure is hidden or missing.
        """
        drawn = [mark for line in self.lines for mark in self._marks(line)]
        if not drawn:
            return None
        names = [*(level_name(level) for level in self.levels), *(name for name, _ in BESIDE.values())]
        present = [name for name in names if any(mark["name"] == name for mark in drawn)]
        shown = list(dict.fromkeys(mark["category"] for mark in drawn))
        axis = unit(self.measure)
        text = (
            f"{axis}. The line goes from what pupils like these reach in the average school to what they reach in the"
            " schools that add most."
        )
        if len(present) > len(self.levels):
            text += " Targets and current assessments are of those pupils who have one."
        svg = to_svg(ranges(drawn, shown, present, axis), figure_id, title, text)
        return Figure(figure_id, title, text, svg, numbers)

    def _marks(self, line: Line) -> list[Row]:
        places = [(level_name(level), line.row("estimate", "estimated", level)) for level in self.levels]
        # Targets in half of the subjects are half an Attainment 8: beside that of all subjects it would mislead.
        if self.measure != "attainment8":
            places += [(name, line.row(source, population)) for source, (name, population) in BESIDE.items()]
        return [
            {"category": line.name, "name": name, "value": float(row[self.measure])}
            for name, row in places
            if row is not None and not _hidden(row) and row[self.measure] is not None
        ]


def _hidden(row: Row) -> bool:
    # The exact relations hide nothing and have no such column.
    return bool(row.get("is_suppressed"))
