"""Schools as dynamic partitions, kept in step with the partners' approved lists."""

import re
from collections.abc import Iterable, Sequence

import dagster as dg

SCHOOLS = dg.DynamicPartitionsDefinition(name="school")


def partition_key(school_id: int, name: str) -> str:
    """``00012-northmoor-high``: the id identifies, the name is for people and may be out of date after a renaming."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{school_id:05d}-{slug}"


def school_id_of(key: str) -> int:
    """The school a partition key names."""
    return int(key.split("-", 1)[0])


def changes(existing: Iterable[str], approved: Sequence[tuple[int, str]]) -> tuple[list[str], list[str]]:
    """Partition keys to add and to delete so that ``existing`` matches the ``approved`` schools (id and name).

    A school that only changed its name keeps its key, and with it its history in the UI.
    """
    present = {school_id_of(key): key for key in existing}
    wanted = dict(approved)
    added = [partition_key(school_id, name) for school_id, name in sorted(wanted.items()) if school_id not in present]
    deleted = [key for school_id, key in sorted(present.items()) if school_id not in wanted]
    return added, deleted


def bring_in_step(instance: dg.DagsterInstance, approved: Sequence[tuple[int, str]]) -> list[str]:
    """Make the instance's partitions those of the approved schools; returns the keys that stand, in order of school."""
    added, deleted = changes(instance.get_dynamic_partitions(_name()), approved)
    if added:
        instance.add_dynamic_partitions(_name(), added)
    for key in deleted:
        instance.delete_dynamic_partition(_name(), key)
    return sorted(instance.get_dynamic_partitions(_name()))


def _name() -> str:
    assert SCHOOLS.name is not None
    return SCHOOLS.name
