"""XML of strangers, as a stream: no document type, no entities, nothing fetched, and limits on all that can grow.

The parser is the standard library's expat, which gives the line of everything it finds. Element names are compared
without case and without a prefix: writers of CTF differ (source_apis.md 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from orchestration.files.faults import FileError, FileFault, Rule

#: A CTF of a large secondary with contacts and packed marks is some 40 MB.
LARGEST_FILE = 200_000_000
#: CTF is six deep; the rest is room for parts that we do not read.
DEEPEST = 20
#: The longest text of a CTF is a year of packed marks, or a medical note.
LONGEST_TEXT = 100_000
#: A pupil of thirteen years with all assessments and contacts has some 2,000 elements.
MOST_ELEMENTS = 20_000
#: CTF has hardly any attributes; expat itself takes thousands.
MOST_ATTRIBUTES = 20
_CHUNK = 65_536


@dataclass(slots=True)
class Node:
    """An element: its name in small letters, the line where it begins, its text and what is in it."""

    name: str
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """The elements at a path below this one."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0].casefold():
                yield from child.all(*path[1:])

    def first(self, *path: str) -> Node | None:
        """The first element at a path; None when there is none."""
        return next(self.all(*path), None)

    def value(self, *path: str) -> str | None:
        """The text of the first element at a path; None when there is none or it is empty."""
        found = self.first(*path)
        return (found.text or None) if found else None

    def values(self) -> dict[str, str]:
        """What it holds, by name, as far as it is text."""
        return {child.name: child.text for child in self.children if child.text}


class _Reader:
    """Collects the wanted elements while expat reads; everything else is checked and forgotten."""

    def __init__(self, name: str, root: str, wanted: Sequence[tuple[str, ...]]) -> None:
        self._name = name
        self._root = root.casefold()
        self._wanted = {tuple(part.casefold() for part in path) for path in wanted}
        self._path: list[str] = []
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._length = 0
        self._elements = 0
        self.finished: list[Node] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.EntityDeclHandler = self._entity
        self.parser.ExternalEntityRefHandler = self._external
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _start(self, tag: str, attributes: list[str]) -> None:
        name = tag.rpartition(":")[2].casefold()
        if not self._path and name != self._root:
            raise self._refuse(
                tag, Rule.FILE_ROOT, f"The file begins with <{tag[:50]}>.", f"It must begin with <{self._root}>."
            )
        if len(self._path) >= DEEPEST:
            raise self._too_large(tag, f"Elements are nested more than {DEEPEST} deep.")
        if len(attributes) > 2 * MOST_ATTRIBUTES:
            raise self._too_large(tag, f"The element has more than {MOST_ATTRIBUTES} attributes.")
        self._path.append(name)
        self._length = 0
        if self._open or tuple(self._path[1:]) in self._wanted:
            self._elements = self._elements + 1 if self._open else 1
            if self._elements > MOST_ELEMENTS:
                raise self._too_large(tag, f"A record has more than {MOST_ELEMENTS} elements.")
            node = Node(name, self.parser.CurrentLineNumber)
            if self._open:
                self._open[-1].children.append(node)
            self._open.append(node)
            self._texts.append([])

    def _end(self, tag: str) -> None:
        self._path.pop()
        self._length = 0
        if self._open:
            node = self._open.pop()
            node.text = "".join(self._texts.pop()).strip()
            if not self._open:
                self.finished.append(node)

    def _text(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_TEXT:
            raise self._too_large(self._path[-1], f"A text is longer than {LONGEST_TEXT} characters.")
        if self._texts:
            self._texts[-1].append(text)

    def _doctype(self, *_: object) -> None:
        raise self._refuse(
            "file", Rule.FILE_DTD, "It declares a document type.", "Remove <!DOCTYPE ...>, which no such file needs."
        )

    def _entity(self, *_: object) -> None:
        raise self._refuse("file", Rule.FILE_DTD, "It declares an entity.", "Write the text itself in its place.")

    def _external(self, *_: object) -> int:
        raise self._refuse("file", Rule.FILE_DTD, "It refers to another file.", "Write the text itself in its place.")

    def _too_large(self, column: str, message: str) -> FileError:
        return self._refuse(column, Rule.FILE_SIZE, message, "Export the file anew, with what is needed alone.")

    def _refuse(self, column: str, rule: Rule, message: str, what_to_do: str) -> FileError:
        return FileError(self._name, [FileFault(self.parser.CurrentLineNumber, column[:50], message, rule, what_to_do)])


def records(path: Path, root: str, wanted: Sequence[tuple[str, ...]]) -> Iterator[Node]:
    """The elements at the wanted paths below ``root``, in the file's order, one at a time.

    Raises ``FileError`` when the file is too large, no XML, begins with another element, declares a document type or
    entities, or is beyond a limit; what was yielded before is then not to be used.
    """
    if path.stat().st_size > LARGEST_FILE:
        fault = FileFault(
            1,
            "file",
            f"It has more than {LARGEST_FILE // 1_000_000} MB.",
            Rule.FILE_SIZE,
            "Export fewer pupils at a time.",
        )
        raise FileError(path.name, [fault])
    reader = _Reader(path.name, root, wanted)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                reader.parser.Parse(chunk, False)
                yield from reader.finished
                reader.finished.clear()
            reader.parser.Parse(b"", True)
            yield from reader.finished
    except FileError:
        raise
    except (LookupError, ValueError):  # of Python's codecs, which expat asks for an encoding that it does not know
        fault = FileFault(
            1,
            "file",
            "It declares an encoding that is not known.",
            Rule.FILE_ENCODING,
            "Ask for the file in UTF-8.",
        )
        raise FileError(path.name, [fault]) from None
    except expat.ExpatError as error:
        fault = FileFault(
            error.lineno,
            "file",
            f"It is no well-formed XML here: {expat.errors.messages[error.code]}.",
            Rule.FILE_XML,
            "Ask for the file again: it was cut off, or changed by hand.",
        )
        raise FileError(path.name, [fault]) from None
