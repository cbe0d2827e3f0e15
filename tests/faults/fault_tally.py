"""What was injected and what came of it: kept as JSON by a test run, and printed as the table of docs/faults.md.

``python tests/faults/fault_tally.py tally.json``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Of what an operator sees, so many different messages are kept for each kind.
_KEPT = 12


class Tally:
    """Counts by kind of fault. Written to ``path`` at each change where there is one, so that nothing is lost with a
    run that ends early; what stands there already is added to."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kinds: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path and path.exists() else {}

    def injected(self, kind: str) -> None:
        """A fault was put in force, or something else done to the school."""
        self._of(kind)["injected"] += 1

    def met(self, kind: str, requests: int) -> None:
        """So many requests met it."""
        found = self._of(kind)
        found["met"] = found.get("met", 0) + requests

    def outcome(self, kinds: set[str], state: str, message: str | None) -> None:
        """An extract of the disturbed school ended while these were in force; ``message`` is kept of one alone."""
        for kind in kinds:
            states = self._of(kind)["outcomes"]
            states[state] = states.get(state, 0) + 1
        if len(kinds) == 1 and message:
            (kind,) = kinds
            seen = self._of(kind)["messages"].setdefault(state, [])
            if message not in seen and len(seen) < _KEPT:
                seen.append(message)
        self._write()

    def settled(self, kinds: set[str], *, lost: int, doubled: int) -> None:
        """Raw was compared with the truth after all these had been in force."""
        for kind in kinds:
            found = self._of(kind)
            found["compared"] += 1
            found["lost"] += lost
            found["doubled"] += doubled
        self._write()

    def _of(self, kind: str) -> dict[str, Any]:
        empty = {"injected": 0, "outcomes": {}, "messages": {}, "compared": 0, "lost": 0, "doubled": 0}
        return self._kinds.setdefault(kind, empty)

    def _write(self) -> None:
        if self._path:
            self._path.write_text(json.dumps(self._kinds, indent=1, sort_keys=True))


def table(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """The tally as a Markdown table; the message is one of those seen, of the gravest outcome."""
    lines = [
        "| what happened | times | requests that met it | extracts meanwhile: loaded / held / failed | rows lost | rows"
        " doubled | what the operator reads, for example |",
        "|---|--:|--:|---|--:|--:|---|",
    ]
    for kind, found in sorted(kinds.items()):
        outcomes = " / ".join(f"{found['outcomes'].get(state, 0):,}" for state in ("loaded", "held", "failed"))
        gravest = next((state for state in ("failed", "held", "loaded") if state in found["messages"]), None)
        said = found["messages"][gravest][0] if gravest else ""
        said = said.replace("|", "\\|")
        met = f"{found['met']:,}" if "met" in found else ""
        lines.append(
            f"| {kind} | {found['injected']:,} | {met} | {outcomes} | {found['lost']} | {found['doubled']} | {said} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table(json.loads(Path(sys.argv[1]).read_text())) + "\n")
