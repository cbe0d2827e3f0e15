"""The scopes that are asked for, against the page that tells schools and operators of them."""

from __future__ import annotations

import re

from orchestration.connectors.groupcall.scopes import ASKED, NAMES
from orchestration.ingest.categories import Category
from orchestration.settings import get_settings


def test_the_documentation_names_exactly_the_scopes_of_each_category() -> None:
    page = (get_settings().project_root / "docs" / "groupcall.md").read_text()
    told = {
        match[1]: tuple(re.findall(r"`(\w+)`", match[2]))
        for match in re.finditer(r"^\| (\w+) \| ((?:`\w+`(?:, )?)+) \|$", page, re.MULTILINE)
    }
    assert told == {category.value: tuple(scope.name for scope in asked) for category, asked in ASKED.items()}


def test_every_category_asks_and_no_scope_is_asked_twice() -> None:
    assert set(ASKED) == set(Category)
    assert len(set(NAMES)) == len(NAMES)
    assert all(scope.gives for asked in ASKED.values() for scope in asked)
