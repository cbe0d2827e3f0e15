"""Readable reports of gates: one self-contained HTML page for each gate, and an index of the run's.

Great Expectations' Data Docs are not used: they re-read every stored result at each build and slow down over time
(great_expectations#8243), and they speak of expectations, not of schools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from orchestration.quality.results import GateResult, RuleResult

_ORDER = {"error": 0, "failed": 1, "passed": 2}
_SEVERITY = {"critical": 0, "warning": 1, "info": 2}


def write_report(folder: Path, run_id: str, gates: Sequence[GateResult]) -> Path:
    """Write a page for each of ``gates`` below ``folder/<run_id>`` and renew the run's index; return the index.

    A run calls this once for each stage: what earlier calls wrote stays, and the index lists all of it. Examples show
    keys only, so that a report holds no personal data.
    """
    run_folder = folder / _slug(run_id)
    run_folder.mkdir(parents=True, exist_ok=True)
    templates = _templates()
    for gate in gates:
        page = _claim(run_folder, _slug(f"{gate.stage}-{gate.suite}"))
        results = sorted(gate.results, key=_worst_first)
        html = templates.get_template("gate.html")
        _write(page, html.render(gate=gate, results=results, run_id=run_id, verdict=verdict(gate)))
        _write(page.with_suffix(".json"), json.dumps(_entry(gate, page.name), ensure_ascii=False))
    entries = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(run_folder.glob("*.json"))]
    entries.sort(key=lambda entry: entry["evaluated_at"])
    index = run_folder / "index.html"
    _write(index, templates.get_template("index.html").render(entries=entries, run_id=run_id))
    return index


def verdict(gate: GateResult) -> str:
    """A gate's outcome in one word: blocked, warned or passed."""
    if gate.blocks:
        return "blocked"
    return "warned" if gate.warned else "passed"


def _entry(gate: GateResult, page: str) -> dict[str, Any]:
    return {
        "page": page,
        "title": gate.title or gate.suite,
        "stage": gate.stage,
        "relation": gate.relation,
        "evaluated_at": gate.evaluated_at.isoformat(),
        "verdict": verdict(gate),
        "rules": len(gate.results),
        "rows": max((result.rows_checked for result in gate.results), default=0),
        "broken": [result.rule_id for result in gate.results if result.outcome != "passed"],
    }


def _worst_first(result: RuleResult) -> tuple[int, int, str]:
    return _ORDER[result.outcome], _SEVERITY.get(result.severity, len(_SEVERITY)), result.rule_id


def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("orchestration.quality"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["example"] = _example
    return environment


def _example(example: dict[str, Any]) -> str:
    """A key as ``school_id 3, pupil_id A21``."""
    school_first = sorted(example.items(), key=lambda item: item[0] != "school_id")
    return ", ".join(f"{name} {value}" for name, value in school_first)


def _slug(text: str) -> str:
    """``text`` as a file name: run ids come from outside."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "run"


def _claim(folder: Path, stem: str) -> Path:
    """A page name that nobody else has, reserved by making the file: a run gates a table once for each batch."""
    number = 1
    while True:
        page = folder / f"{stem}{'' if number == 1 else f'-{number}'}.html"
        try:
            page.touch(exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return page


def _write(path: Path, text: str) -> None:
    """Replace ``path`` in one step, so that a reader never sees half a page."""
    with NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8") as file:
        file.write(text)
    Path(file.name).replace(path)
