"""A run that dies while it extracts, and the next one: the same final state as if nothing had happened."""

from __future__ import annotations

import pytest
from installation import Installation
from interrupting import Blow, interrupt_run, kill_postgres, kill_run, kill_sandbox, named, state_after

READING_MARKS = "select exists (select from ops.extract where category = 'attendance' and state = 'running')"
MARKS_LOADED = "select exists (select from ops.extract where category = 'attendance' and state = 'loaded')"


@pytest.mark.parametrize(
    ("moment", "blow"),
    [
        (READING_MARKS, kill_run),
        (READING_MARKS, kill_postgres),
        (READING_MARKS, kill_sandbox),
        (MARKS_LOADED, interrupt_run),
    ],
    ids=named,
)
def test_the_next_run_ends_as_an_undisturbed_one(
    undisturbed: dict[str, str], unrun: Installation, moment: str, blow: Blow
) -> None:
    assert state_after(unrun, moment, blow) == undisturbed
