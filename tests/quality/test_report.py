"""A report is one page that opens anywhere, that everybody can read, and that shows keys and nothing personal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orchestration.quality.report import verdict, write_report
from orchestration.quality.results import GateResult, RuleResult

PASSED = RuleResult("s", "PUP-001", "critical", "passed", 1200, 0, [], "A pupil must have an id.", "Mend it.", "us")
WARNED = RuleResult(
    "s",
    "PUP-007",
    "warning",
    "failed",
    1200,
    2,
    [{"pupil_id": "A<1>", "school_id": 3}],
    "A UPN is due.",
    "Enter it.",
    "school",
)
FAILED = RuleResult("s", "PUP-002", "critical", "failed", 1200, 1, [], "Born <b>later</b>.", "Correct it.", "school")
ERROR = RuleResult(
    "s", "PUP-009", "warning", "error", 0, 0, [], "The rule could not be evaluated: x.", "Mend it.", "us"
)


def gate(*results: RuleResult, suite: str = "raw_pupil", minute: int = 0) -> GateResult:
    return GateResult(
        stage="raw",
        suite=suite,
        relation="raw.pupil",
        results=results,
        title="Pupils & leavers",
        evaluated_on="landing.pupil",
        slice_of="school_id = 3",
        evaluated_at=datetime(2025, 7, 18, 18, minute, tzinfo=UTC),
        seconds=0.25,
    )


class Page(HTMLParser):
    """The text of each cell by row, and every start tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] = f"{self.rows[-1][-1]} {data.strip()}".strip()

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_tells_each_rule_worst_first(tmp_path: Path) -> None:
    index = write_report(tmp_path, "run-1", [gate(PASSED, WARNED, FAILED, ERROR)])
    page = read(index.parent / "raw-raw_pupil.html")
    assert [row[0] for row in page.rows] == ["Rule", "PUP-009", "PUP-002", "PUP-007", "PUP-001"]
    assert page.rows[3] == [
        "PUP-007",
        "A UPN is due.",
        "warning",
        "failed",
        "2",
        "1,200",
        "school_id 3, pupil_id A<1>",
        "Enter it.",
        "school",
    ]
    text = (index.parent / "raw-raw_pupil.html").read_text(encoding="utf-8")
    assert "Pupils &amp; leavers" in text
    assert "Born &lt;b&gt;later&lt;/b&gt;." in text
    assert "18 July 2025, 18:00:00 UTC" in text
    assert "landing.pupil, where school_id = 3" in text


@pytest.mark.parametrize(
    ("results", "word"),
    [((PASSED,), "passed"), ((PASSED, WARNED), "warned"), ((WARNED, FAILED), "blocked"), ((PASSED, ERROR), "blocked")],
)
def test_the_verdict_is_said_in_words(tmp_path: Path, results: tuple[RuleResult, ...], word: str) -> None:
    assert verdict(gate(*results)) == word
    index = write_report(tmp_path, "run-1", [gate(*results)])
    spoken = {"passed": "Passed: ", "warned": "Passed with warnings: ", "blocked": "Blocked: "}
    assert spoken[word] in (index.parent / "raw-raw_pupil.html").read_text(encoding="utf-8")
    assert read(index).rows[1][3] == word


def test_pages_need_nothing_from_elsewhere(tmp_path: Path) -> None:
    index = write_report(tmp_path, "run-1", [gate(PASSED)])
    for path in index.parent.glob("*.html"):
        page = read(path)
        loaded = [
            a.get("src") or a.get("href") for tag in ("script", "link", "img", "iframe") for a in page.attributes(tag)
        ]
        assert loaded == []
        assert "http" not in path.read_text(encoding="utf-8")


def test_pages_can_be_read_by_everybody(tmp_path: Path) -> None:
    index = write_report(tmp_path, "run-1", [gate(PASSED, WARNED)])
    for path in index.parent.glob("*.html"):
        page = read(path)
        assert page.attributes("html") == [{"lang": "en-GB"}]
        assert len(page.attributes("h1")) == len(page.attributes("main")) == len(page.attributes("caption")) == 1
        assert all(header.get("scope") in ("col", "row") for header in page.attributes("th"))


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_its_ground_in_light_and_dark(tmp_path: Path) -> None:
    """WCAG 2.2 AA asks for a contrast of 4.5 to 1."""
    text = write_report(tmp_path, "run-1", [gate(PASSED)]).read_text(encoding="utf-8")
    themes = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--(\w+): (#\w+)", theme))
        for ground in ("paper", "head"):
            for ink in ("ink", "soft", "bad", "warn", "good", "link"):
                low, high = sorted((_luminance(colours[ink]), _luminance(colours[ground])))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_a_run_gathers_its_gates_and_keeps_those_of_the_same_table_apart(tmp_path: Path) -> None:
    write_report(tmp_path, "run-1", [gate(PASSED, minute=1), gate(WARNED, minute=2)])
    index = write_report(tmp_path, "run-1", [gate(FAILED, suite="core_pupil", minute=3)])
    assert [row[3] for row in read(index).rows[1:]] == ["passed", "warned", "blocked"]
    links = [str(a["href"]) for a in read(index).attributes("a")]
    assert sorted(links) == ["raw-core_pupil.html", "raw-raw_pupil-2.html", "raw-raw_pupil.html"]
    assert all((index.parent / link).stat().st_size for link in links)
    other = write_report(tmp_path, "run-2", [gate(PASSED)])
    assert len(read(other).rows) == 2
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("run_id", ["../../etc", "a/b", "", "..", "scheduled__2025-07-18T18:00:00+00:00"])
def test_a_run_id_never_leads_out_of_the_folder(tmp_path: Path, run_id: Any) -> None:
    index = write_report(tmp_path / "reports", run_id, [gate(PASSED)])
    assert index.resolve().parent.parent == (tmp_path / "reports").resolve()


def test_more_than_two_examples_are_folded_away(tmp_path: Path) -> None:
    many = replace(WARNED, examples=[{"pupil_id": f"A{n}"} for n in range(10)])
    index = write_report(tmp_path, "run-1", [gate(many)])
    cell = read(index.parent / "raw-raw_pupil.html").rows[1][6]
    assert re.findall(r"A\d", cell) == [f"A{n}" for n in range(10)]
    assert "8 more" in cell
