"""Writes templates for people to fill in: columns, an example or pupils, notes, lists to choose from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestration.files.faults import FileError, FileProblem
from orchestration.files.sheets import Choice, write_csv, write_xlsx
from orchestration.files.templates import Template, describe
from orchestration.files.vocabulary import Vocabulary


def write(path: Path, template: Template, vocabulary: Vocabulary, pupils: Sequence[Mapping[str, str]] = ()) -> int:
    """Write a template as CSV or XLSX, by the file's name; with a row for each of the pupils, whose number is returned.

    Without pupils there is one example, which is left out when the file is loaded. Raises FileError for another kind of
    file.
    """
    rows = pupils or [{column.name: column.example for column in template.columns}]
    lines = [template.headings, *([row.get(name, "") for name in template.headings] for row in rows)]
    if path.suffix == ".csv":
        write_csv(path, lines)
    elif path.suffix == ".xlsx":
        write_xlsx(
            path,
            template.sheet,
            lines,
            notes=_notes(template, vocabulary),
            choices=list(_choices(template, vocabulary)),
        )
    else:
        raise FileError(path.name, [FileProblem(1, "file", "Templates are .csv or .xlsx.")])
    return len(pupils)


def _notes(template: Template, vocabulary: Vocabulary) -> list[Sequence[str]]:
    return [
        (template.title,),
        (template.description,),
        ("Fill in the first sheet and leave its heading as it is. Rows without a result are left out.",),
        (f"Load it with: mis load {template.name} FILE --school NUMBER",),
        (),
        *describe(template, vocabulary),
    ]


def _choices(template: Template, vocabulary: Vocabulary) -> Iterator[Choice]:
    for column in template.columns:
        if column.scale:
            yield Choice(column.name, vocabulary.grades(column.scale))
        elif column.values:
            yield Choice(column.name, column.values)
        elif column.name == "subject":
            yield Choice(column.name, template.subjects(vocabulary))
