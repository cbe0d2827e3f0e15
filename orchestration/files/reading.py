"""Which reader reads a file of a kind, and with what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from orchestration.files import ctf, edi, filled_in, log
from orchestration.files.codes import read_codes
from orchestration.files.ctf import Addressee
from orchestration.files.faults import FileError, FileFault, Rule
from orchestration.files.records import Contents
from orchestration.files.templates import TEMPLATES
from orchestration.files.vocabulary import Vocabulary
from orchestration.ingest.registry import RegisteredSchool
from orchestration.settings import Settings

CTF, EDI = "ctf", "edi"

#: What can be loaded: the formats of others, and our templates.
KINDS = (CTF, EDI, *TEMPLATES)


@dataclass(frozen=True, slots=True)
class Request:
    """A file, its kind, the school it is for and who loads it.

    ``centre`` tells the school's examination centre, ``replaces`` the number of the file that this one corrects.
    """

    path: Path
    kind: str
    school_id: int
    loaded_by: str
    centre: str | None = None
    replaces: int | None = None


def read_file(
    conn: psycopg.Connection[Any],
    request: Request,
    school: RegisteredSchool,
    settings: Settings,
    vocabulary: Vocabulary,
) -> Contents:
    """What a file holds. Raises FileError when it cannot be read as what it is said to be."""
    if request.kind == CTF:
        today = datetime.now(UTC).astimezone(ZoneInfo(school.timezone or "Europe/London")).date()
        return ctf.read(request.path, Addressee(laestab_of(school), today), vocabulary)
    codes = read_codes(settings.entry_codes)
    if request.kind == EDI:
        centre = request.centre or log.centre_of(conn, school.school_id)
        if centre is None:
            fault = FileFault(
                1,
                "centre",
                "Whether the file is this school's cannot be told: its centre number is not known.",
                Rule.FILE_SCHOOL,
                "Say it once with --centre; it is kept.",
            )
            raise FileError(request.path.name, [fault])
        return edi.read(request.path, edi.read_layout(settings.edi_layout), centre, vocabulary, codes)
    return filled_in.read(request.path, TEMPLATES[request.kind], vocabulary, codes)


def laestab_of(school: RegisteredSchool) -> str | None:
    """Local authority and establishment number, seven digits; None unless both are known."""
    if not school.la_code or not school.establishment_number:
        return None
    return f"{school.la_code.rjust(3, '0')}{school.establishment_number.rjust(4, '0')}"
