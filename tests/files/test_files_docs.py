"""docs/files.md says what the declarations say: the templates, their columns, and every rule a file can break."""

from __future__ import annotations

from pathlib import Path

import pytest
from tables import VOCABULARY

from orchestration.files import xml
from orchestration.files.faults import Rule
from orchestration.files.templates import TEMPLATES, describe

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "files.md").read_text(encoding="utf-8")


def test_the_templates_are_listed() -> None:
    for template in TEMPLATES.values():
        assert f"| `{template.name}` | {template.description} |" in DOCS


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_columns_are_as_declared(name: str) -> None:
    _, *columns = describe(TEMPLATES[name], VOCABULARY)
    table = "\n".join(f"| {' | '.join((f'`{column}`', *cells))} |" for column, *cells in columns)
    assert table in DOCS, f"docs/files.md lacks, under {name}:\n{table}"


def test_every_rule_is_explained() -> None:
    explained = {
        line.split("|")[1].strip() for line in DOCS.splitlines() if line.startswith(("| FILE-", "| ROW-", "| O"))
    }
    assert explained == {rule.value for rule in Rule}


def test_the_limits_are_those_of_the_readers() -> None:
    assert f"{xml.LARGEST_FILE // 1_000_000} MB" in DOCS
    assert f"{xml.DEEPEST} deep" in DOCS
