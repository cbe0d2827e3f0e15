"""How charts look, and how they become SVG that a screen reader can name."""

from __future__ import annotations

import json
import re
from functools import lru_cache

import altair as alt
import vl_convert
from markupsafe import Markup, escape

#: Text and lines on white: each at least 4.5 : 1 (WCAG 2.2, 1.4.3 and 1.4.11).
INK = "#1b2530"
MUTED = "#55606b"
SCHOOL = "#1a56a0"
BEFORE = "#6b7480"
COMPARED = "#a04a00"
GRID = "#e3e7eb"
#: Light to dark in one hue; a missing value is not the lightest of them, but hatched by its own mark.
STEPS = ("#edf3fa", "#c6dcf0", "#93bfe2", "#5a99cc", "#2b6cab", "#123f73")
#: Parts of a whole, told apart by their order and labels too: cool for authorised, warm for unauthorised absence.
COOL = ("#1a56a0", "#5a99cc", "#a9cbe8", "#0f7a6c", "#6db3a8", "#bfded9")
WARM = ("#a04a00", "#d98c3f", "#efc38d", "#9b1c1c", "#d98080")
REST = "#9aa4ae"

WIDTH = 930
#: The grammar that this Altair writes, without the patch level.
_VEGA_LITE = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
_FONT = "Arial, Helvetica, 'Liberation Sans', sans-serif"


def to_svg(chart: alt.TopLevelMixin, figure_id: str, title: str, description: str) -> Markup:
    """Draw a chart; its title and description are read out in place of its shapes."""
    # Altair's themes are state of the process; the look goes into the specification itself.
    # Validation costs as much as drawing does, and would find only mistakes of ours, which the tests look for.
    specification = chart.to_dict(validate=False) | {"config": _CONFIG}
    drawn = draw(json.dumps(specification, default=float))
    inner = re.sub(r'(\bid="|url\(#)', rf"\g<1>{figure_id}-", drawn[drawn.index(">") + 1 :])
    box = re.search(r'viewBox="([\d. ]+)"', drawn)
    assert box is not None
    names = f"{figure_id}-title {figure_id}-description"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" aria-labelledby="{names}"'
        f' viewBox="{box.group(1)}" width="{box.group(1).split()[2]}">'
        f'<title id="{figure_id}-title">{escape(title)}</title>'
        f'<desc id="{figure_id}-description">{escape(description)}</desc>'
    )
    return Markup(opening + inner)  # noqa: S704 vl-convert escapes the texts of the data


@lru_cache(maxsize=512)
def draw(specification: str) -> str:
    """Draw a Vega-Lite specification, JSON, as SVG; the last 512 are kept."""
    # 50 to 90 ms a chart; the same figures are looked at again and again until the next release.
    svg: str = vl_convert.vegalite_to_svg(specification, vl_version=_VEGA_LITE)
    return svg.strip()


_CONFIG = {
    "aria": False,  # the SVG is one image with a description; its shapes would be read out one by one
    "background": "#ffffff",
    "font": _FONT,
    "padding": 4,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "labelFontSize": 12,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": MUTED,
        "tickColor": MUTED,
        "labelPadding": 5,
        "titlePadding": 8,
    },
    "axisY": {"domain": False, "ticks": False},
    "legend": {
        "orient": "top",
        "labelColor": INK,
        "labelFontSize": 12,
        "titleColor": MUTED,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "symbolSize": 120,
        "labelLimit": 260,
    },
    "header": {"labelColor": INK, "labelFontSize": 12, "titleColor": MUTED, "labelFontWeight": "bold"},
    "line": {"strokeWidth": 2.5},
}
