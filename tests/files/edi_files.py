"""Results day files for the tests, by the layout that comes with the platform; all candidates are invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from orchestration.files.edi import read_layout

CENTRE = "23456"
LAYOUT = read_layout()


def record(kind: str, **fields: str) -> str:
    """A record of a kind, its fields at their places."""
    text = list(next(letters for letters, named in LAYOUT.types.items() if named == kind).ljust(LAYOUT.record_length))
    for name, value in fields.items():
        start, length, _ = LAYOUT.fields[kind][name]
        text[start : start + length] = value.ljust(length)[:length]
    return "".join(text)


HEADER = record("header", centre=CENTRE, year="25", series="6", organisation="70")


def result(**changes: str) -> str:
    fields = {
        "centre": CENTRE,
        "candidate_number": "1001",
        "uci": "234567000001A",
        "surname": "BECK",
        "forename": "ANA",
        "date_of_birth": "20081105",
        "entry_code": "8300H",
        "grade": "7",
    }
    return record("result", **(fields | changes))


def trailer(count: int) -> str:
    return record("trailer", centre=CENTRE, count=f"{count:07}")


def document(*results: str) -> list[str]:
    listed = results or (result(),)
    return [HEADER, *listed, trailer(len(listed))]


def put_edi(folder: Path, records: Sequence[str], *, ending: str = "\r\n") -> Path:
    path = folder / "R23456.X01"
    path.write_bytes("".join(line + ending for line in records).encode("cp1252"))
    return path
