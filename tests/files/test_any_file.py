"""Whatever bytes a file has, a reader reads it or refuses it in words; it never fails otherwise."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ctf_files import HISTORIES, SCHOOL, assessment, document, pupil, stages, year_data
from edi_files import CENTRE, LAYOUT
from edi_files import document as edi_document
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import VOCABULARY, row, text

from orchestration.files import ctf, edi, filled_in
from orchestration.files.codes import read_codes
from orchestration.files.faults import FileError
from orchestration.files.templates import TEMPLATES

GOOD = {
    "ctf": document(pupil(stages(assessment()) + HISTORIES + f"<Attendance>{year_data()}</Attendance>")).encode(),
    "edi": "\n".join(edi_document()).encode(),
    **{name: text([row(name)]).encode() for name in ("ks2-results", "ks4-results", "teacher-assessment")},
}
PIECES = st.sampled_from(
    [b"", b"\0", b"\xff", b"<", b">", b"&", b"&#0;", b'"', b",", b"\n", b"9" * 30, b"\xef\xbb\xbf", b"<!DOCTYPE a>"]
)
ENCODINGS = ("utf-7", "utf-16", "windows-1252", "iso-8859-15", "none-such", "idna", "hex", "utf-8")


def read(kind: str, data: bytes, folder: Path) -> None:
    path = folder / "file.csv"
    path.write_bytes(data)
    try:
        if kind == "ctf":
            ctf.read(path, SCHOOL, VOCABULARY)
        elif kind == "edi":
            edi.read(path, LAYOUT, CENTRE, VOCABULARY, read_codes())
        else:
            filled_in.read(path, TEMPLATES[kind], VOCABULARY, read_codes())
    except FileError as error:
        refused = error
    else:
        return
    assert refused.faults
    assert all(fault.rule and fault.line >= 1 for fault in refused.faults)


@pytest.mark.parametrize("kind", GOOD)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_spoilt_file_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    good = GOOD[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(good)))
        good = good[:at] + data.draw(PIECES) + good[at + data.draw(st.integers(0, 5)) :]
    with tempfile.TemporaryDirectory() as folder:
        read(kind, good, Path(folder))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_encoding_that_is_declared_is_known_or_refused(tmp_path: Path, encoding: str) -> None:
    read("ctf", f"<?xml version='1.0' encoding='{encoding}'?>".encode() + GOOD["ctf"], tmp_path)
