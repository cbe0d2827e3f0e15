"""Every shape of chart is right by the grammar, and comes out as one named image without script, style or address."""

from __future__ import annotations

import json
import re

import altair as alt
import pytest

from reports.charts import shapes
from reports.charts.theme import to_svg

ROWS = [{"category": c, "name": n, "value": v, "label": str(v)} for c, n, v in (("A", "x", 1), ("B", "y", 2.5))]
CHARTS = {
    "lines": shapes.lines(
        [
            shapes.Series("One", "school", [(1, 90.0), (2, None), (3, 91.5)]),
            shapes.Series("Two", "compared", [(1, 92.0)]),
        ],
        "Week",
        "%",
        {1: "Half-term 1"},
    ),
    "heat_map": shapes.heat_map(
        [shapes.Cell("a", "b", 3.0, "3"), shapes.Cell("a", "c", None)],
        ["a"],
        ["b", "c"],
        (1, 2, 4),
        ("x", "y", "%"),
        shows_labels=True,
        x_labels={"a": "It's"},
    ),
    "bars": shapes.bars(ROWS, ["A", "B"], ["x", "y"], "%"),
    "stacked_bars": shapes.stacked_bars(
        [{"x": "1", "part": "<b>", "value": 3}], ["1"], {"<b>": "#123456", "it's": "#654321"}, ("x", "y")
    ),
    "dots": shapes.dots(ROWS, ["A", "B"], [{"name": "England", "value": 2.0}], "%"),
    "histogram": shapes.histogram([{"low": 1.0, "count": 3}], [{"name": "England", "value": 1.2}], "%", "Schools", 0.5),
    "letters": shapes.letters(
        [{"x": "a", "y": "Mon AM", "kind": "Late", "letter": "\\"}],
        ["a"],
        ["Mon AM"],
        {"Late": ("#eeeeee", "#000000")},
        {"a": "Sep"},
    ),
}


@pytest.mark.parametrize("name", CHARTS)
def test_a_shape_is_right_by_the_grammar(name: str) -> None:
    described = json.loads(json.dumps(CHARTS[name].to_dict(validate=False)))
    alt.LayerChart.from_dict(described, validate=True)


@pytest.mark.parametrize("name", CHARTS)
def test_a_shape_is_one_named_image(name: str) -> None:
    svg = to_svg(CHARTS[name], f"of-{name}", "A <title>", "What it shows & says")
    assert svg.startswith("<svg ")
    assert f'role="img" aria-labelledby="of-{name}-title of-{name}-description"' in svg
    assert f'<title id="of-{name}-title">A &lt;title&gt;</title>' in svg
    assert "What it shows &amp; says</desc>" in svg
    assert svg.count("<svg") == svg.count("</svg>") == 1
    assert not re.search(r"<script|\sstyle=|\son\w+=|href=", svg)
    assert "<b>" not in svg
    assert all(identifier.startswith(f"of-{name}-") for identifier in re.findall(r'\sid="([^"]+)"', svg))
