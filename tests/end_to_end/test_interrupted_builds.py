"""A run that dies while it builds or publishes, and the next one: the same final state as if nothing had happened."""

from __future__ import annotations

import pytest
from installation import Installation
from interrupting import Blow, interrupt_run, kill_postgres, kill_run, named, state_after

BUILDING_REFERENCE = "select to_regclass('reference.nc_year') is not null"
BUILDING_CORE = "select to_regclass('core.register_year') is not null"
BUILDING_MARTS = "select to_regclass('build_attendance.pupil_day') is not null"
PUBLISHING = "select exists (select from ops.release)"


@pytest.mark.parametrize(
    ("moment", "blow"),
    [
        (BUILDING_REFERENCE, kill_run),
        (BUILDING_CORE, kill_postgres),
        (BUILDING_MARTS, kill_run),
        (PUBLISHING, interrupt_run),
    ],
    ids=named,
)
def test_the_next_run_ends_as_an_undisturbed_one(
    undisturbed: dict[str, str], unrun: Installation, moment: str, blow: Blow
) -> None:
    assert state_after(unrun, moment, blow) == undisturbed
