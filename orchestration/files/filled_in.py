"""Reads templates that were filled in: the heading against the declaration, then row by row what is said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from orchestration.files.codes import EntryCodes
from orchestration.files.examinations import choose, exam_year, named_result, sitting
from orchestration.files.faults import FileError, FileFault, Rule
from orchestration.files.records import (
    Contents,
    Entry,
    Identity,
    Item,
    Occasion,
    Result,
    academic_year,
    statutory,
    year_name,
)
from orchestration.files.sheets import check_widths, read_lines
from orchestration.files.templates import Column, Holds, Naming, Template
from orchestration.files.values import day, school_year, series
from orchestration.files.vocabulary import Vocabulary
from orchestration.targets.upn import upn_fault

_LONGEST = 50


def read(path: Path, template: Template, vocabulary: Vocabulary, codes: EntryCodes) -> Contents:
    """Read a file whole. Columns may stand in any order, and those that are not needed may be missing.

    Raises ``FileError`` when it is no table, or its heading is not the template's.
    """
    lines = read_lines(path, sheet=template.sheet, columns=template.headings)
    heading = [cell.casefold() for cell in lines[0][1]] if lines else []
    _check_heading(path, heading, template)
    check_widths(path, lines)
    example = {column.name: column.example for column in template.columns}
    entries, left_out = [], 0
    for number, cells in lines[1:]:
        row = _Row(number, dict(zip(heading, cells, strict=True)))
        if row.cells == {name: example[name] for name in heading} or not any(
            row.cells.get(column.name) for column in template.results
        ):
            left_out += 1
        else:
            entries.append(_entry(row, template, vocabulary, codes))
    return Contents(tuple(entries), (), left_out)


def _check_heading(path: Path, heading: Sequence[str], template: Template) -> None:
    faults = []
    for place, name in enumerate(heading):
        if name in template.headings and name not in heading[:place]:
            continue
        if name in template.headings:
            message, what_to_do = "The column is there twice.", "Remove one of the two."
        elif near := get_close_matches(name, [one for one in template.headings if one not in heading], 1, 0.7):
            message, what_to_do = "This is no column of the template.", f"Perhaps {near[0]!r} is meant: rename it so."
        else:
            message = "This is no column of the template."
            what_to_do = f"Remove it; `mis template {template.name}` shows the columns."
        faults.append(FileFault(1, name or "(empty)", message, Rule.FILE_COLUMN, what_to_do))
    faults += [
        FileFault(1, column.name, "The column is missing.", Rule.FILE_COLUMN, "Add it, with its values.")
        for column in template.columns
        if column.needed and column.name not in heading
    ]
    if not any(column.name in heading for column in template.results):
        message = f"There is no column of results: {', '.join(column.name for column in template.results)}."
        faults.append(FileFault(1, "heading", message, Rule.FILE_COLUMN, "Add those there are results of."))
    if faults:
        raise FileError(path.name, faults)


@dataclass(slots=True)
class _Row:
    """A line, and what is wrong with it so far."""

    line: int
    cells: Mapping[str, str]
    faults: list[FileFault] = field(default_factory=list)

    def get(self, column: str) -> str | None:
        return self.cells.get(column) or None

    def wrong(self, column: str, rule: Rule, message: str, what_to_do: str) -> None:
        self.faults.append(FileFault(self.line, column, message, rule, what_to_do))

    def day(self, column: str) -> date | None:
        text = self.get(column)
        found = day(text) if text else None
        if text and found is None:
            self.wrong(column, Rule.ROW_DATE, f"{text[:20]!r} is no date.", "Write it as 2025-07-08 or 08/07/2025.")
        return found


def _entry(row: _Row, template: Template, vocabulary: Vocabulary, codes: EntryCodes) -> Entry:
    for column in template.columns:
        if column.needed and row.get(column.name) is None:
            row.wrong(column.name, Rule.ROW_EMPTY, "It is empty.", "Fill it in, or remove the row.")
        text = row.get(column.name)
        if column.holds is Holds.TEXT and text and len(text) > _LONGEST:
            row.wrong(column.name, Rule.ROW_LENGTH, f"It has {len(text)} characters.", f"Use no more than {_LONGEST}.")
    occasion = _occasion(row, template)
    identity = _identity(row, occasion)
    items: tuple[Item, ...] = ()
    if occasion is not None:
        items = tuple(
            _chosen(row, template, occasion, vocabulary, codes)
            if template.chooses
            else _by_column(row, template, occasion, vocabulary)
        )
    return Entry(row.line, identity, items, row.cells, tuple(row.faults))


def _identity(row: _Row, occasion: Occasion | None) -> Identity:
    upn = (row.get("upn") or "").upper() or None
    if upn and (wrong := upn_fault(upn)):
        row.wrong("upn", Rule.ROW_UPN, f"{wrong} It is {upn[:20]!r}.", "Correct the UPN, or leave it empty.")
    identity = Identity(
        line=row.line,
        upn=upn,
        uln=row.get("uln"),
        surname=row.get("surname"),
        forename=row.get("forename"),
        date_of_birth=row.day("date_of_birth"),
        uci=row.get("uci"),
        # A spreadsheet makes 12 of 0012.
        candidate_number=(row.get("candidate_number") or "").rjust(4, "0") if row.get("candidate_number") else None,
        exam_year=exam_year(occasion) if occasion else None,
    )
    named = identity.surname and identity.forename and row.get("date_of_birth")
    if not (identity.upn or identity.uln or identity.uci or identity.candidate_number or named):
        row.wrong(
            "upn",
            Rule.ROW_EMPTY,
            "Nothing says who is meant.",
            "Enter the UPN, or surname, forename and date_of_birth.",
        )
    return identity


def _occasion(row: _Row, template: Template) -> Occasion | None:
    """When the row's results are of; None when nothing says it that can be read."""
    if template.stage is not None:
        return _school_year(row, template.stage)
    if "series" in template.headings:
        return _series(row)
    if "assessment_point" in template.headings:
        on = row.day("assessment_date")
        return Occasion(f"{row.get('assessment_point')} {year_name(academic_year(on))}", on) if on else None
    on = row.day("test_date")
    return Occasion(f"Tests of {on:%Y-%m-%d}", on) if on else None


def _school_year(row: _Row, stage: str) -> Occasion | None:
    text = row.get("academic_year")
    year = school_year(text) if text else None
    if text and year is None:
        row.wrong("academic_year", Rule.ROW_DATE, f"{text[:20]!r} is no school year.", "Write it as 2024/25.")
    return statutory(stage, year) if year else None


def _series(row: _Row) -> Occasion | None:
    text = row.get("series")
    found = series(text) if text else None
    if text and found is None:
        row.wrong("series", Rule.ROW_DATE, f"{text[:20]!r} is no series.", "Write month and year: June 2025.")
    return sitting(*found) if found else None


def _by_column(row: _Row, template: Template, occasion: Occasion, vocabulary: Vocabulary) -> Iterator[Result]:
    for column in template.results:
        if value := row.get(column.name):
            if not vocabulary.takes(column.scale, value, occasion.end_date):
                _no_result(row, column, value, vocabulary)
            yield Result(column.aspect, occasion, value, occasion.end_date)


def _no_result(row: _Row, column: Column, value: str, vocabulary: Vocabulary) -> None:
    row.wrong(
        column.name, Rule.ROW_CODE, f"{value[:20]!r} is no such result.", f"Use one of {column.allowed(vocabulary)}."
    )


def _chosen(
    row: _Row, template: Template, occasion: Occasion, vocabulary: Vocabulary, codes: EntryCodes
) -> Iterator[Result]:
    (column,) = template.results
    value = row.get(column.name)
    naming, subject = _what(row, template, codes)
    if naming is None or value is None or (naming.has_subject and not subject):
        return
    result, wrong = named_result(naming, subject, value, occasion, vocabulary)
    if wrong:
        at = column.name if wrong.what == "grade" else "subject" if naming.has_subject else template.chooses
        row.wrong(at, wrong.rule, wrong.message, wrong.what_to_do)
    yield result


def _what(row: _Row, template: Template, codes: EntryCodes) -> tuple[Naming | None, str]:
    """What is examined: by choice and subject or, where they are empty, by an entry code."""
    written, subject, code = row.get(template.chooses), row.get("subject") or "", row.get("entry_code")
    if code and not (written and subject):
        examined = codes.find(code)
        if examined is None:
            what_to_do = "Fill in qualification and subject, or add the code to the list of entry codes."
            row.wrong("entry_code", Rule.ROW_ASSESSMENT, f"The code {code[:20]!r} is not known.", what_to_do)
            return None, ""
        written, subject = written or examined.qualification, subject or examined.subject
    if written is None:
        # A column that is needed has been found empty already.
        if not next(column.needed for column in template.columns if column.name == template.chooses):
            row.wrong(template.chooses, Rule.ROW_EMPTY, "It is empty.", "Fill it in, or give the entry code.")
        return None, ""
    naming = choose(template.names, written)
    if naming is None:
        message, what_to_do = f"{written!r} is not known.", f"Use one of {', '.join(template.names)}."
        row.wrong(template.chooses, Rule.ROW_ASSESSMENT, message, what_to_do)
    elif naming.has_subject and not subject and template.chooses == "qualification":
        row.wrong("subject", Rule.ROW_EMPTY, "It is empty.", "Fill it in, or give the entry code.")
    return naming, subject
