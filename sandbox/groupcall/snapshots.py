"""Change tracking with ``changedRows`` (source_apis.md 2.2).

A snapshot is the hashes of all rows of an answer, before paging, kept in the sandbox's folder under a name that follows
from its content. Nothing in it says which options it was made with: ask with others and rows that merely were not
asked for count as deleted, as with the real service.
"""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec

from sandbox.groupcall.wire import Row, XodError

#: Encoded rows of each set with their keys.
Encoded = dict[str, list[tuple[str, bytes]]]


class _Snapshot(msgspec.Struct):
    """``source`` is the estab and the endpoint; ``rows`` a digest by set and key."""

    source: str
    rows: dict[str, dict[str, bytes]]


class Changes(NamedTuple):
    """What is left of an answer. ``deleted`` is None on a first call, which is complete."""

    rows: Encoded
    deleted: dict[str, list[Row]] | None
    following: str


class Snapshots:
    """Snapshots below a folder."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def compare(self, source: str, asked: str, rows: Encoded) -> Changes:
        """Rows that are new or different since the snapshot ``asked``, all of them for ``*``; takes a new snapshot.

        Raises XodError for a hash that this estab and endpoint have no snapshot of.
        """
        now = _Snapshot(source, {name: _digests(found) for name, found in rows.items()})
        before = None if asked == "*" else self._load(source, asked)
        following = self._save(now)
        if before is None:
            return Changes(rows, None, following)
        changed: Encoded = {}
        deleted: dict[str, list[Row]] = {}
        for name, found in rows.items():
            old, new = before.rows.get(name, {}), now.rows[name]
            changed[name] = [(key, raw) for key, raw in found if old.get(key) != new[key]]
            deleted[f"{name}_deleted"] = [{"Id": key} for key in old if key not in new]
        return Changes(changed, deleted, following)

    def _save(self, snapshot: _Snapshot) -> str:
        content = msgspec.msgpack.encode(snapshot)
        name = blake2b(content, digest_size=16).hexdigest()
        path = self._directory / f"{name}.msgpack"
        if not path.exists():
            self._directory.mkdir(parents=True, exist_ok=True)
            scratch = path.with_suffix(".part")
            scratch.write_bytes(content)
            scratch.replace(path)
        return name

    def _load(self, source: str, name: str) -> _Snapshot:
        path = self._directory / f"{name}.msgpack"
        if name.isalnum() and path.exists():
            snapshot = msgspec.msgpack.decode(path.read_bytes(), type=_Snapshot)
            if snapshot.source == source:
                return snapshot
        raise XodError(f"No snapshot {name} of this data is kept; start again with changedRows=*")


def _digests(rows: list[tuple[str, bytes]]) -> dict[str, bytes]:
    """A digest for each key. A lesson of the cycle has a row for each of its dates under one key: all change as one."""
    found: dict[str, bytes] = {}
    for key, raw in rows:
        found[key] = blake2b(found.get(key, b"") + raw, digest_size=8).digest()
    return found
