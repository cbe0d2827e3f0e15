"""Results day files: fixed-width records of the awarding organisations, one file for each of them, centre and series.

The positions stand in ``edi_layout.toml`` and are general knowledge (confidence G): the organisations' joint format is
not in our reference. A wrong one is mended there, or in a file that ``MIS_EDI_LAYOUT`` names.

A file is restricted until candidates have their results; keeping it back until then is its keeper's duty.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from orchestration.files.codes import EntryCodes
from orchestration.files.examinations import exam_year, named_result, sitting
from orchestration.files.faults import FileError, FileFault, Rule
from orchestration.files.records import Contents, Entry, Identity, Occasion
from orchestration.files.templates import EXAMINATIONS
from orchestration.files.values import whole
from orchestration.files.vocabulary import Vocabulary

_SHIPPED = Path(__file__).with_name("edi_layout.toml")
_LARGEST_FILE = 20_000_000
_NEEDED = {"header": ("centre", "year", "series"), "result": ("entry_code", "grade"), "trailer": ("count",)}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what stands; ``fields`` has, by kind of record, each field's first place (from 0), length and format."""

    record_length: int
    encoding: str
    type_length: int
    types: Mapping[str, str]
    fields: Mapping[str, Mapping[str, tuple[int, int, str]]]
    counts_all: bool
    months: Mapping[str, int]


def read_layout(path: Path | None = None) -> Layout:
    """The layout at ``path``, or the one that comes with the platform.

    Raises FileError when it is no TOML, lacks something, or has a field beyond the end of the record.
    """
    chosen = path or _SHIPPED
    try:
        declared = tomllib.loads(chosen.read_text(encoding="utf-8"))
        length = int(declared["file"]["record_length"])
        fields = {kind: _fields(declared[kind], length) for kind in _NEEDED}
        missing = [f"{kind}.{name}" for kind, names in _NEEDED.items() for name in names if name not in fields[kind]]
        if missing:
            raise ValueError(f"it has no {', '.join(missing)}")
        return Layout(
            length,
            str(declared["file"]["encoding"]),
            int(declared["type"]["length"]),
            {str(declared["type"][kind]): kind for kind in _NEEDED},
            fields,
            declared["trailer"].get("counts", "result") == "all",
            {str(letter).upper(): int(month) for letter, month in declared["series"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:  # TOML's errors are ValueErrors
        message = f"It is no layout of results day files: {error}."
        what_to_do = "Compare it with orchestration/files/edi_layout.toml."
        raise FileError(chosen.name, [FileFault(1, "file", message, Rule.FILE_TYPE, what_to_do)]) from None


def _fields(declared: Mapping[str, Any], length: int) -> dict[str, tuple[int, int, str]]:
    found = {}
    for name, place in declared.items():
        if isinstance(place, Mapping):
            start, width = int(place["start"]) - 1, int(place["length"])
            if start < 0 or width < 1 or start + width > length:
                raise ValueError(f"{name} ends beyond the record's {length} characters")
            found[name] = start, width, str(place.get("format", ""))
    return found


def read(path: Path, layout: Layout, centre: str, vocabulary: Vocabulary, codes: EntryCodes) -> Contents:
    """Read a file whole, for the centre of that number.

    Raises ``FileError`` when a record has another length or is of no known kind, header or trailer are missing or not
    where they belong, the trailer counts otherwise, or a record is of another centre.
    """
    records = [_Record(number, text, layout) for number, text in enumerate(_lines(path, layout), 1)]
    _check_shape(path, records, layout)
    _check_centre(path, records, centre)
    header = records[0]
    occasion = _occasion(path, header, layout)
    entries = [_entry(record, occasion, vocabulary, codes) for record in records if record.kind == "result"]
    return Contents(tuple(entries))


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    text: str
    layout: Layout

    @property
    def kind(self) -> str | None:
        return self.layout.types.get(self.text[: self.layout.type_length])

    def get(self, name: str) -> str:
        """A field without spaces around it; empty when the layout has none."""
        place = self.layout.fields[self.kind or "result"].get(name)
        return self.text[place[0] : place[0] + place[1]].strip() if place else ""

    @property
    def cells(self) -> dict[str, str]:
        return {name: self.get(name) for name in self.layout.fields[self.kind or "result"] if self.get(name)}


def _lines(path: Path, layout: Layout) -> list[str]:
    if path.stat().st_size > _LARGEST_FILE:
        message, what_to_do = (
            f"It has more than {_LARGEST_FILE // 1_000_000} MB.",
            "Load one file of results at a time.",
        )
        raise FileError(path.name, [FileFault(1, "file", message, Rule.FILE_SIZE, what_to_do)])
    try:
        lines = path.read_bytes().decode(layout.encoding).replace("\r\n", "\n").rstrip("\n\x1a").split("\n")
    except UnicodeDecodeError as error:
        message, what_to_do = f"It is not {layout.encoding}: {error.reason}.", "Load the file as it was received."
        raise FileError(path.name, [FileFault(1, "file", message, Rule.FILE_ENCODING, what_to_do)]) from None
    wrong = [
        FileFault(
            number,
            "record",
            f"It has {len(text)} characters, not {layout.record_length}.",
            Rule.FILE_LENGTH,
            "Load the file as it was received; if all records have that length, correct record_length in the layout.",
        )
        for number, text in enumerate(lines, 1)
        if len(text) != layout.record_length
    ]
    if wrong:
        raise FileError(path.name, wrong)
    return lines


def _check_shape(path: Path, records: list[_Record], layout: Layout) -> None:
    faults = [
        FileFault(
            record.line,
            "type",
            f"It begins with {record.text[: layout.type_length]!r}, which is no kind of record.",
            Rule.FILE_RECORD,
            "Load the file as it was received; if it is right, add the kind to the layout.",
        )
        for record in records
        if record.kind is None
    ]
    whole_again = "Ask for the file again: it was cut off, or two were put together."
    headers = [record.line for record in records if record.kind == "header"]
    trailers = [record.line for record in records if record.kind == "trailer"]
    if headers != [1]:
        message = f"A header stands at lines {headers}, and must at line 1." if headers else "It has no header."
        faults.append(FileFault(headers[-1] if headers else 1, "header", message, Rule.FILE_HEADER, whole_again))
    last = len(records)
    if trailers != [last]:
        message = (
            f"A trailer stands at lines {trailers}, and must at line {last}." if trailers else "It has no trailer."
        )
        faults.append(FileFault(last, "trailer", message, Rule.FILE_TRAILER, whole_again))
    if not faults:
        counted = whole(records[-1].get("count"))
        there = last if layout.counts_all else last - 2
        if counted != there:
            message = f"The trailer counts {records[-1].get('count')!r} records; there are {there}."
            faults.append(FileFault(last, "count", message, Rule.FILE_COUNT, whole_again))
    if faults:
        raise FileError(path.name, sorted(faults))


def _check_centre(path: Path, records: list[_Record], centre: str) -> None:
    faults = [
        FileFault(
            record.line,
            "centre",
            f"It is of centre {record.get('centre')!r}, and the school's is {centre!r}.",
            Rule.FILE_SCHOOL,
            "Load the file for its own school, or correct the number with --centre.",
        )
        for record in records
        if record.get("centre") not in ("", centre)
    ]
    if faults:
        raise FileError(path.name, faults)


def _occasion(path: Path, header: _Record, layout: Layout) -> Occasion:
    year, month = whole(header.get("year")), layout.months.get(header.get("series").upper())
    if year is None or month is None:
        message = f"Year {header.get('year')!r} and series {header.get('series')!r} are not known."
        what_to_do = "Compare the header with the layout; add the series to [series] there."
        raise FileError(path.name, [FileFault(header.line, "series", message, Rule.FILE_HEADER, what_to_do)])
    return sitting(2000 + year % 100, month)


def _entry(record: _Record, occasion: Occasion, vocabulary: Vocabulary, codes: EntryCodes) -> Entry:
    faults: list[FileFault] = []

    def wrong(column: str, rule: Rule, message: str, what_to_do: str) -> None:
        faults.append(FileFault(record.line, column, message, rule, what_to_do))

    identity = Identity(
        line=record.line,
        surname=record.get("surname") or None,
        forename=record.get("forename") or None,
        date_of_birth=_born(record, faults),
        uci=record.get("uci") or None,
        candidate_number=record.get("candidate_number") or None,
        exam_year=exam_year(occasion),
    )
    code, grade = record.get("entry_code"), record.get("grade")
    examined = codes.find(code)
    if not grade:
        wrong("grade", Rule.ROW_EMPTY, "It is empty.", "Load the awarding organisation's next file, which has it.")
    if examined is None:
        what_to_do = "Add it, with its qualification and subject, to the list of entry codes (MIS_ENTRY_CODES)."
        wrong("entry_code", Rule.ROW_ASSESSMENT, f"The code {code!r} is not known.", what_to_do)
    if examined is None or not grade:
        return Entry(record.line, identity, (), record.cells, tuple(faults))
    naming = EXAMINATIONS[examined.qualification]
    result, fault = named_result(naming, examined.subject, grade, occasion, vocabulary)
    if fault:
        wrong("grade" if fault.what == "grade" else "entry_code", fault.rule, fault.message, fault.what_to_do)
    return Entry(record.line, identity, (result,), record.cells, tuple(faults))


def _born(record: _Record, faults: list[FileFault]) -> date | None:
    place, text = record.layout.fields["result"].get("date_of_birth"), record.get("date_of_birth")
    if not text or not place:
        return None
    try:
        return datetime.strptime(text, place[2]).date()  # noqa: DTZ007  (a day has no time zone)
    except ValueError:
        message = f"{text!r} is no date as the layout has it: {place[2]}."
        faults.append(
            FileFault(record.line, "date_of_birth", message, Rule.ROW_DATE, "Correct the format in the layout.")
        )
        return None
