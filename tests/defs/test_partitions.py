"""Schools as partitions: what comes, goes and stays when the partner's lists change."""

from __future__ import annotations

import dagster as dg
import pytest

from orchestration.defs.partitions import bring_in_step, changes, partition_key, school_id_of


def test_key_names_the_school_and_survives_odd_names() -> None:
    key = partition_key(12, "St. Mary's & St. John's C of E Primary (Äther)")
    assert key == "00012-st-mary-s-st-john-s-c-of-e-primary-ther"
    assert school_id_of(key) == 12


@pytest.mark.parametrize(
    ("existing", "approved", "added", "deleted"),
    [
        ([], [(1, "A"), (2, "B")], ["00001-a", "00002-b"], []),
        (["00001-a", "00002-b"], [(2, "B")], [], ["00001-a"]),
        (["00001-old-name"], [(1, "New name")], [], []),
    ],
    ids=["new schools come", "a revoked school goes", "a renamed school keeps its key"],
)
def test_changes(existing: list[str], approved: list[tuple[int, str]], added: list[str], deleted: list[str]) -> None:
    assert changes(existing, approved) == (added, deleted)


def test_bring_in_step_leaves_exactly_the_approved() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        bring_in_step(instance, [(1, "A"), (2, "B")])
        assert bring_in_step(instance, [(2, "B"), (3, "C")]) == ["00002-b", "00003-c"]
