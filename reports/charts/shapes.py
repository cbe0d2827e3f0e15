"""The shapes of chart that pages are made of. Each takes rows and returns an Altair chart; none knows a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt

from reports.charts.theme import BEFORE, COMPARED, INK, MUTED, SCHOOL, STEPS, WIDTH

Rows = Sequence[Mapping[str, Any]]

_LOOKS: dict[str, tuple[str, list[int]]] = {
    "school": (SCHOOL, [1, 0]),
    "before": (BEFORE, [6, 4]),
    "compared": (COMPARED, [2, 3]),
}
_SHAPES = ("circle", "triangle-right", "square", "diamond", "cross")
_MARKS = (SCHOOL, "#5a99cc", "#0f7a6c", COMPARED, INK)


def _chart(rows: Rows) -> alt.Chart:
    # Altair copies lists again with every method; 80 rows then cost 100 ms a chart. A tuple it leaves as it is.
    values: Any = tuple(dict(row) for row in rows)
    return alt.Chart(alt.InlineData(values=values))


def _least_step(rows: Rows) -> float:
    # Half a suspension is none.
    return 1 if all(isinstance(row["value"], int) for row in rows) else 0.1


@dataclass(frozen=True, slots=True)
class Series:
    """A line: its name, its look (school, before or compared) and its points (x, y); a y of None breaks the line."""

    name: str
    look: str
    points: Sequence[tuple[float, float | None]]


def lines(
    series: Sequence[Series], x_title: str, y_title: str, marks: Mapping[float, str], height: int = 260
) -> alt.TopLevelMixin:
    """Lines over weeks, told apart by dash and by name at their ends; ``marks`` are named places on the x axis."""
    # Vega would draw a null as a point on the axis.
    rows = [{"name": s.name, "x": x, "y": y} for s in series for x, y in s.points if y is not None]
    last = max(x for s in series for x, _ in s.points)
    names = [s.name for s in series]
    colours = [_LOOKS[s.look][0] for s in series]
    dashes = [_LOOKS[s.look][1] for s in series]
    weeks = alt.Axis(grid=False, values=[1, *range(5, int(last) + 1, 5)], format="d")
    base = _chart(rows).encode(
        x=alt.X("x:Q", title=x_title, axis=weeks, scale=alt.Scale(domain=[0.5, last + 0.5], nice=False)),
        y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=6)),
    )
    drawn = base.mark_line().encode(
        strokeDash=alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), title=None),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=colours),
            title=None,
            legend=alt.Legend(symbolType="stroke", symbolSize=500, symbolStrokeWidth=3),
        ),
    )
    first = base.transform_filter(alt.datum.name == names[0]).mark_circle(size=34, color=colours[0], opacity=1)
    places = _chart([{"x": x, "label": label} for x, label in marks.items()])
    rules = places.mark_rule(color="#c3cad1").encode(x="x:Q")
    labels = places.mark_text(align="left", dx=4, color=MUTED, fontSize=11, y=-7).encode(x="x:Q", text="label:N")
    return alt.layer(rules, labels, drawn, first).properties(width=WIDTH, height=height)


@dataclass(frozen=True, slots=True)
class Cell:
    """A square of a heat map; one with a value of None is not coloured."""

    x: str
    y: str
    value: float | None
    label: str = ""


def heat_map(
    cells: Sequence[Cell],
    xs: Sequence[str],
    ys: Sequence[str],
    steps: Sequence[float],
    titles: tuple[str, str, str],
    *,
    shows_labels: bool = False,
    row_height: int = 22,
    x_labels: Mapping[str, str] | None = None,
) -> alt.TopLevelMixin:
    """Squares coloured by steps of one hue. ``titles`` are of x, y and the legend; ``steps`` are the upper bounds."""
    bands = _bands(steps)
    rows = [
        {
            "x": cell.x,
            "y": cell.y,
            "label": cell.label,
            "band": None if cell.value is None else bands[sum(cell.value >= step for step in steps)],
        }
        for cell in cells
    ]
    axis: dict[str, Any] = {"labelAngle": 0, "labelOverlap": True, "ticks": False, "domain": False}
    if x_labels is not None:
        axis["labelExpr"] = _label_expression(xs, x_labels)
        axis["labelOverlap"] = False
    base = _chart(rows).encode(
        x=alt.X("x:N", sort=list(xs), scale=alt.Scale(domain=list(xs)), title=titles[0], axis=alt.Axis(**axis)),
        y=alt.Y("y:N", sort=list(ys), scale=alt.Scale(domain=list(ys)), title=titles[1], axis=alt.Axis(grid=False)),
    )
    squares = (
        base.transform_filter("datum.band")
        .mark_rect(stroke="#ffffff", strokeWidth=1.5)
        .encode(
            color=alt.Color(
                "band:N",
                sort=bands,
                scale=alt.Scale(domain=bands, range=list(STEPS[: len(bands)])),
                legend=alt.Legend(
                    title=titles[2], symbolType="square", columns=len(bands), symbolStrokeColor="#9aa4ae"
                ),
            )
        )
    )
    layers = [squares]
    if shows_labels:
        dark = alt.FieldOneOfPredicate("band", bands[4:])
        layers.append(
            base.mark_text(fontSize=12).encode(
                text="label:N", color=alt.condition(dark, alt.value("#ffffff"), alt.value(INK))
            )
        )
    return alt.layer(*layers).properties(width=WIDTH, height=row_height * len(ys))


def _label_expression(xs: Sequence[str], labels: Mapping[str, str]) -> str:
    """Vega's expression that shows a value by its label, and by nothing where it has none."""
    return f"({json.dumps({x: labels.get(x, '') for x in xs})})[datum.value]"


def _bands(steps: Sequence[float]) -> list[str]:
    texts = [f"{step:g}" for step in steps]
    middle = [f"{low} to under {high}" for low, high in pairwise(texts)]
    return [f"under {texts[0]}", *middle, f"{texts[-1]} or more"]


def bars(
    rows: Rows, categories: Sequence[str], names: Sequence[str], x_title: str, colours: Sequence[str] = (SCHOOL, BEFORE)
) -> alt.TopLevelMixin:
    """Horizontal bars with their values; rows have category, name, value and label. Second and later bars are paler."""
    base = _chart(rows).encode(
        y=alt.Y("category:N", sort=list(categories), title=None, axis=alt.Axis(labelLimit=330, grid=False)),
        yOffset=alt.YOffset("name:N", sort=list(names), scale=alt.Scale(paddingInner=0.12)),
        x=alt.X("value:Q", title=x_title, axis=alt.Axis(tickCount=6, tickMinStep=_least_step(rows))),
    )
    drawn = base.mark_bar().encode(
        color=alt.Color(
            "name:N",
            sort=list(names),
            scale=alt.Scale(domain=list(names), range=list(colours[: len(names)])),
            title=None,
            legend=alt.Legend(symbolType="square") if len(names) > 1 else None,
        )
    )
    texts = base.mark_text(align="left", dx=4, fontSize=11, color=INK).encode(text="label:N")
    height = alt.Step(20, **{"for": "offset"}) if len(names) > 1 else alt.Step(26)
    return alt.layer(drawn, texts).properties(width=WIDTH - 180, height=height)


def stacked_bars(
    rows: Rows,
    xs: Sequence[str],
    parts: Mapping[str, str],
    titles: tuple[str, str],
    height: int = 280,
) -> alt.TopLevelMixin:
    """Columns of parts, from the bottom up; rows have x, part and value, ``parts`` are names and colours."""
    legend = alt.Legend(title=None, columns=4, symbolType="square") if len(parts) > 1 else None
    colours = alt.Scale(domain=list(parts), range=list(parts.values()))
    columns = (
        _chart(rows)
        .transform_calculate(order=f"indexof({json.dumps(list(parts))}, datum.part)")
        .mark_bar(stroke="#ffffff", strokeWidth=0.6)
        .encode(
            x=alt.X(
                "x:N",
                sort=list(xs),
                title=titles[0],
                axis=alt.Axis(labelAngle=0, labelOverlap=True, grid=False),
            ),
            y=alt.Y("value:Q", title=titles[1], axis=alt.Axis(tickCount=6, tickMinStep=_least_step(rows))),
            color=alt.Color("part:N", sort=list(parts), scale=colours, legend=legend),
            order=alt.Order("order:Q"),
        )
    )
    return alt.layer(columns).properties(width=WIDTH, height=height)


def dots(rows: Rows, categories: Sequence[str], marks: Rows, x_title: str) -> alt.TopLevelMixin:
    """One dot a category; rows have category, value, label; ``marks`` are vertical lines with name and value."""
    base = _chart(rows).encode(
        y=alt.Y("category:N", sort=list(categories), title=None, axis=alt.Axis(labelLimit=330, grid=True)),
        x=alt.X(
            "value:Q", title=x_title, scale=alt.Scale(zero=False, padding=30), axis=alt.Axis(grid=False, tickCount=8)
        ),
    )
    lines_ = _chart(marks).encode(x="value:Q")
    rule = lines_.mark_rule(color=COMPARED, strokeDash=[3, 3], strokeWidth=1.5)
    name = lines_.mark_text(align="left", dx=4, y=-6, color=COMPARED, fontSize=11).encode(text="name:N")
    texts = base.encode(text="label:N")
    # The line of a mark must not run through a figure.
    ground, text = (
        texts.mark_text(align="left", dx=9, dy=-8, fontSize=11, **look)
        for look in ({"stroke": "#ffffff", "strokeWidth": 4}, {"color": INK})
    )
    return alt.layer(rule, name, base.mark_circle(size=90, color=SCHOOL, opacity=1), ground, text).properties(
        width=WIDTH - 260, height=alt.Step(26)
    )


def ranges(rows: Rows, categories: Sequence[str], names: Sequence[str], x_title: str) -> alt.TopLevelMixin:
    """Marks of several names on one line a category, told apart by shape too; rows have category, name and value."""
    shapes = alt.Scale(domain=list(names), range=list(_SHAPES[: len(names)]))
    colours = alt.Scale(domain=list(names), range=list(_MARKS[: len(names)]))
    base = _chart(rows).encode(
        y=alt.Y("category:N", sort=list(categories), title=None, axis=alt.Axis(labelLimit=330, grid=False))
    )
    line = base.mark_rule(color="#9aa4ae", strokeWidth=2).encode(
        x=alt.X("min(value):Q", title=x_title, scale=alt.Scale(zero=False, padding=14), axis=alt.Axis(tickCount=8)),
        x2="max(value):Q",
    )
    marks = base.mark_point(size=110, filled=True, opacity=1).encode(
        x="value:Q",
        shape=alt.Shape("name:N", sort=list(names), scale=shapes, title=None),
        color=alt.Color("name:N", sort=list(names), scale=colours, title=None),
    )
    return alt.layer(line, marks).properties(width=WIDTH - 260, height=alt.Step(26))


def histogram(rows: Rows, marks: Rows, x_title: str, y_title: str, step: float) -> alt.TopLevelMixin:
    """Columns of how many; rows have low and count, each ``step`` wide; ``marks`` as for :func:`dots`."""
    values = [{**row, "high": row["low"] + step} for row in rows]
    columns = (
        _chart(values)
        .mark_bar(color=SCHOOL, stroke="#ffffff")
        .encode(
            x=alt.X("low:Q", title=x_title, bin="binned", scale=alt.Scale(zero=False, nice=False)),
            x2="high:Q",
            y=alt.Y("count:Q", title=y_title, axis=alt.Axis(tickMinStep=1)),
        )
    )
    lines_ = _chart(marks).encode(x="value:Q")
    rule = lines_.mark_rule(color=COMPARED, strokeDash=[3, 3], strokeWidth=1.5)
    name = lines_.mark_text(align="left", dx=4, y=6, color=COMPARED, fontSize=11).encode(text="name:N")
    return alt.layer(columns, rule, name).properties(width=WIDTH, height=220)


def letters(
    rows: Rows, xs: Sequence[str], ys: Sequence[str], looks: Mapping[str, tuple[str, str]], x_labels: Mapping[str, str]
) -> alt.TopLevelMixin:
    """Squares with a letter; rows have x, y, kind and letter; ``looks`` are the kinds' (fill, letter's colour)."""
    kinds = [kind for kind in looks if any(row["kind"] == kind for row in rows)]
    base = _chart(rows).encode(
        x=alt.X(
            "x:N",
            sort=list(xs),
            scale=alt.Scale(domain=list(xs)),
            title=None,
            axis=alt.Axis(
                labelExpr=_label_expression(xs, x_labels), labelAngle=0, labelOverlap=False, ticks=False, domain=False
            ),
        ),
        y=alt.Y("y:N", sort=list(ys), title=None, axis=alt.Axis(grid=False)),
    )
    squares = base.mark_rect(stroke="#ffffff", strokeWidth=1).encode(
        color=alt.Color(
            "kind:N",
            sort=kinds,
            scale=alt.Scale(domain=kinds, range=[looks[kind][0] for kind in kinds]),
            legend=alt.Legend(title=None, columns=4, symbolType="square", symbolStrokeColor="#9aa4ae"),
        )
    )
    light = alt.FieldOneOfPredicate("kind", [kind for kind in kinds if looks[kind][1] == "#ffffff"])
    text = base.mark_text(fontSize=10).encode(
        text="letter:N", color=alt.condition(light, alt.value("#ffffff"), alt.value(INK))
    )
    return alt.layer(squares, text).properties(width=WIDTH, height=20 * len(ys))
