"""The rows of a file before they are loaded: whom each is about, the raw rows it makes, and what is wrong with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from orchestration.files import rows
from orchestration.files.faults import FileFault, Rule
from orchestration.files.matching import Number, Pupil, Roll, numbers_of
from orchestration.files.records import Contents, Entry, Identity
from orchestration.files.rows import TABLES, RawRow
from orchestration.ingest.landing import RefusedRow


@dataclass(slots=True)
class Judged:
    """A row of the file, its pupil, the raw rows it makes, and all that is wrong with it."""

    entry: Entry
    pupil: Pupil | None
    rows: list[RawRow]
    faults: list[FileFault] = field(default_factory=list)


def judge(contents: Contents, roll: Roll) -> list[Judged]:
    """Whom the rows are about, and which say the same thing twice."""
    judged = []
    found: dict[Identity, Pupil | FileFault] = {}
    for entry in contents.entries:
        who = found.setdefault(entry.identity, roll.find(entry.identity))
        pupil = who if isinstance(who, Pupil) else None
        faults = list(entry.faults)
        # Of a row that is unreadable as it is, it would only be said twice that nobody is meant by it.
        if isinstance(who, FileFault) and not faults:
            faults.append(replace(who, line=entry.line))
        made = [rows.of_pupil(item, pupil) for item in entry.items] if pupil else []
        judged.append(Judged(entry, pupil, made, faults))
    _find_repeated(judged)
    return judged


def _find_repeated(judged: Iterable[Judged]) -> None:
    """Mark rows of which another says the same thing: which of the two is right, nobody here can know."""
    by_key: dict[object, list[Judged]] = defaultdict(list)
    for one in judged:
        for key in {key_of(row) for row in one.rows}:
            by_key[key].append(one)
    for same in by_key.values():
        for one in same if len(same) > 1 else ():
            others = ", ".join(str(other.entry.line) for other in same if other is not one)
            fault = FileFault(
                one.entry.line,
                "row",
                f"It says the same of the same pupil as line {others or one.entry.line}.",
                Rule.ROW_TWICE,
                "Keep the row that is right, and take the other out.",
            )
            if fault not in one.faults:
                one.faults.append(fault)


def key_of(row: RawRow) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Table and key of a row, to compare with others."""
    return row.table, tuple(sorted((column, str(value)) for column, value in row.key.items()))


def refused_rows(one: Judged) -> list[RefusedRow]:
    """A bad row for the quarantine: once for each raw row it would make, or as it is when that cannot be told."""
    rules = tuple(dict.fromkeys(fault.rule for fault in one.faults))
    messages = tuple(str(fault) for fault in one.faults)
    keys: Sequence[tuple[str, Mapping[str, object] | None]] = [(row.table, row.key) for row in one.rows]
    return [
        RefusedRow(TABLES[table][1], key, {**one.entry.cells, "line": str(one.entry.line)}, rules, messages)
        for table, key in keys or [(one.entry.table, None)]
    ]


def _is_named(identity: Identity) -> bool:
    return bool(identity.upn or identity.uln or (identity.surname and identity.forename and identity.date_of_birth))


def numbers_told(judged: Iterable[Judged]) -> dict[Number, str]:
    """Awarding organisations' numbers of pupils whom good rows name otherwise too."""
    return {
        number: one.pupil.person_id
        for one in judged
        if one.pupil and not one.faults and _is_named(one.entry.identity)
        for number in numbers_of(one.entry.identity)
    }
