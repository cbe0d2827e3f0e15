"""The archive: every page a partner sent, as received, before any of it is loaded.

An extract is a folder ``partner/school/category/<time>-<extract>-<random>`` of numbered segments. A segment is one
object of up to :data:`PAGES_PER_SEGMENT` pages: a zstd frame that says what the object is, then a frame a page (a line
of JSON, then the body), so ``zstd -dc`` of it reads as text and no catalogue is needed to make sense of it. Segments
appear whole or not at all; a killed process loses at most the pages of the one it was filling, which are asked for
again.

The archive holds personal data: local folders are made with mode 0700 and files with 0600.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import fsspec
import zstandard
from fsspec.implementations.local import LocalFileSystem

from orchestration.connectors.base import Page

#: Pages in one object: few enough that a crash repeats little, enough that a big school is not ten thousand objects.
PAGES_PER_SEGMENT = 32

_FORMAT = "mis-pages/1"
_SUFFIX = ".pages.zst"


class ArchiveError(Exception):
    """An archived extract that cannot be read; the message names the object and what to do."""


@dataclass(frozen=True, slots=True)
class ExtractLabel:
    """What every segment says about itself.

    ``fields`` is the fingerprint of the category's declaration and streams when the pages were asked for: pages asked
    for under another declaration may lack what is wanted now.
    """

    partner: str
    partner_school_id: str
    category: str
    extract_id: int
    mode: str
    fields: str


class Archive:
    """All archived extracts below one fsspec address (a local folder, ``s3://…``, ``memory://…``)."""

    def __init__(self, address: str) -> None:
        self._fs, self._base = fsspec.url_to_fs(address)
        self._local = isinstance(self._fs, LocalFileSystem)

    def new_path(self, label: ExtractLabel) -> str:
        """Path of a new extract below the archive, to be kept in ``ops.extract.archive_path``.

        The random end keeps a re-created database, whose extract ids begin again at 1, away from older pages.
        """
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        school = quote(label.partner_school_id, safe="")
        return f"{label.partner}/{school}/{label.category}/{started}-{label.extract_id}-{secrets.token_hex(4)}"

    def writer(self, path: str, label: ExtractLabel) -> ArchiveWriter:
        """A writer that appends to the extract at ``path``, after the segments it already has."""
        return ArchiveWriter(self, path, label, first_segment=len(self.segments(path)) + 1)

    def segments(self, path: str) -> list[str]:
        """The full paths of an extract's segments in order; empty when it has none."""
        folder = f"{self._base}/{path}"
        if not self._fs.exists(folder):
            return []
        self._fs.invalidate_cache(folder)
        return sorted(str(name) for name in self._fs.ls(folder, detail=False) if str(name).endswith(_SUFFIX))

    def label(self, path: str) -> ExtractLabel | None:
        """The label of an archived extract, or None when nothing of it was archived. Raises ``ArchiveError``."""
        for segment in self.segments(path):
            return ExtractLabel(**self._open(segment)[0]["extract"])
        return None

    def replay(self, path: str) -> Iterator[Page]:
        """The pages of an extract in the order in which they were received; one segment in memory at a time.

        Raises ``ArchiveError`` when an object is damaged.
        """
        for segment in self.segments(path):
            _, pages = self._open(segment)
            yield from pages

    def delete(self, path: str) -> None:
        """Delete an extract's pages for good; nothing happens when there are none."""
        folder = f"{self._base}/{path}"
        if self._fs.exists(folder):
            self._fs.rm(folder, recursive=True)

    def put(self, path: str, number: int, data: bytes) -> None:
        """Store a segment, whole or not at all."""
        target = f"{self._base}/{path}/{number:06d}{_SUFFIX}"
        if self._local:
            _write_private(Path(self._base), Path(target), data)
        else:
            self._fs.pipe_file(target, data)

    def _open(self, segment: str) -> tuple[dict[str, Any], Iterator[Page]]:
        """The header of a segment, and its pages."""
        try:
            frames = zstandard.ZstdDecompressor().stream_reader(self._fs.cat_file(segment), read_across_frames=True)
            stream: BinaryIO = io.BufferedReader(frames)
            header = json.loads(stream.readline())
            if header["format"] != _FORMAT:
                raise ArchiveError(f"{segment} is of format {header['format']!r}; this version reads {_FORMAT!r}.")
            return header, self._pages(segment, stream, header["pages"])
        except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
            raise _damaged(segment, error) from error

    @staticmethod
    def _pages(segment: str, stream: BinaryIO, count: int) -> Iterator[Page]:
        for _ in range(count):
            try:
                meta = json.loads(stream.readline())
                body = stream.read(meta["bytes"])
                if len(body) != meta["bytes"] or stream.read(1) != b"\n":
                    raise ValueError("the object ends early")
                page = Page(
                    meta["stream"],
                    meta["number"],
                    body,
                    meta["next_url"],
                    datetime.fromisoformat(meta["as_at"]),
                    meta.get("cursor"),
                    date.fromisoformat(meta["covers_from"]) if meta.get("covers_from") else None,
                )
            except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
                raise _damaged(segment, error) from error
            yield page


class ArchiveWriter:
    """Appends pages to one extract. Holds at most one segment, compressed; ``seal`` writes it out."""

    def __init__(self, archive: Archive, path: str, label: ExtractLabel, first_segment: int) -> None:
        self._archive = archive
        self._path = path
        self._label = label
        self._next = first_segment
        self._frames: list[bytes] = []
        self._compressor = zstandard.ZstdCompressor(level=3, write_checksum=True)

    def append(self, page: Page) -> None:
        """Add a page; the segment is written when it is full."""
        meta = {
            "stream": page.endpoint,
            "number": page.number,
            "next_url": page.next_url,
            "as_at": page.as_at.isoformat(),
            "cursor": page.cursor,
            "covers_from": page.covers_from and page.covers_from.isoformat(),
            "bytes": len(page.body),
        }
        self._frames.append(self._compressor.compress(json.dumps(meta).encode() + b"\n" + page.body + b"\n"))
        if len(self._frames) == PAGES_PER_SEGMENT:
            self.seal()

    def seal(self) -> None:
        """Write the pages that are not yet stored."""
        if not self._frames:
            return
        header = {"format": _FORMAT, "pages": len(self._frames), "extract": asdict(self._label)}
        frames = [self._compressor.compress(json.dumps(header).encode() + b"\n"), *self._frames]
        self._archive.put(self._path, self._next, b"".join(frames))
        self._next += 1
        self._frames = []


def _damaged(segment: str, error: Exception) -> ArchiveError:
    return ArchiveError(
        f"The archived segment {segment} cannot be read ({error}). Restore it from a copy, or delete the folder it is "
        "in and extract the category again with --full."
    )


def _write_private(base: Path, target: Path, data: bytes) -> None:
    """Write ``target`` under another name, flush it to disk and rename it; folders 0700, file 0600."""
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (*reversed(target.relative_to(base).parents[:-1]), Path()):
        (base / folder).mkdir(mode=0o700, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
