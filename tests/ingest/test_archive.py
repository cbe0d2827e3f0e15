"""The archive gives back what it was given, in order, and shows nothing that is not whole."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import fsspec
import pytest
import zstandard

from orchestration.connectors.base import Page
from orchestration.ingest.archive import PAGES_PER_SEGMENT, Archive, ArchiveError, ExtractLabel

LABEL = ExtractLabel("fake", "A/../1", "basic", 7, "full", "f00d")


def _pages(count: int) -> list[Page]:
    first = datetime(2025, 7, 18, 18, tzinfo=UTC)
    return [
        Page(
            "students", n, b'{"data":[]}\n' * n, None if n == count else f"fake://{n + 1}", first + timedelta(seconds=n)
        )
        for n in range(1, count + 1)
    ]


@pytest.fixture(params=["local", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An archive in a folder, and one in an object store."""
    yield Archive(str(tmp_path / "home" / "archive") if request.param == "local" else "memory://archive")
    fsspec.filesystem("memory").store.clear()


def test_pages_come_back_in_order_and_whole(archive: Archive) -> None:
    path = archive.new_path(LABEL)
    assert archive.label(path) is None
    writer = archive.writer(path, LABEL)
    pages = _pages(2 * PAGES_PER_SEGMENT + 5)
    for page in pages:
        writer.append(page)
    assert list(archive.replay(path)) == pages[: 2 * PAGES_PER_SEGMENT]  # the third segment is still being filled
    writer.seal()
    writer.seal()
    assert list(archive.replay(path)) == pages
    assert len(archive.segments(path)) == 3
    assert archive.label(path) == LABEL


def test_a_second_writer_goes_on_after_the_first(archive: Archive) -> None:
    path = archive.new_path(LABEL)
    pages = _pages(3)
    for page in pages:
        writer = archive.writer(path, LABEL)
        writer.append(page)
        writer.seal()
    assert list(archive.replay(path)) == pages


def test_two_extracts_of_one_number_have_folders_of_their_own(archive: Archive) -> None:
    first, second = archive.new_path(LABEL), archive.new_path(LABEL)
    assert first != second
    assert first.startswith("fake/A%2F..%2F1/basic/")


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign"])
def test_a_damaged_segment_is_said_to_be_damaged(tmp_path: Path, damage: str) -> None:
    archive = Archive(str(tmp_path))
    path = archive.new_path(LABEL)
    writer = archive.writer(path, LABEL)
    for page in _pages(4):
        writer.append(page)
    writer.seal()
    (segment,) = map(Path, archive.segments(path))
    data = segment.read_bytes()
    match damage:
        case "cut":
            segment.write_bytes(data[:-20])
        case "changed":
            segment.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
        case "foreign":
            segment.write_bytes(zstandard.compress(b'{"format": "mis-pages/9", "pages": 1}\n'))
    with pytest.raises(ArchiveError, match=segment.name):
        list(archive.replay(path))


def test_a_segment_reads_as_text(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    path = archive.new_path(LABEL)
    writer = archive.writer(path, LABEL)
    for page in _pages(2):
        writer.append(page)
    writer.seal()
    with zstandard.open(archive.segments(path)[0], "rt") as text:
        header, first, body, *_ = text.read().splitlines()
    assert '"partner_school_id": "A/../1"' in header
    assert '"next_url": "fake://2"' in first
    assert body == '{"data":[]}'


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path / "new" / "archive"))
    path = archive.new_path(LABEL)
    writer = archive.writer(path, LABEL)
    writer.append(_pages(1)[0])
    writer.seal()
    made = list((tmp_path / "new" / "archive").rglob("*"))
    assert {stat.S_IMODE(file.stat().st_mode) for file in made if file.is_dir()} == {0o700}
    assert [(file.suffixes, stat.S_IMODE(file.stat().st_mode)) for file in made if file.is_file()] == [
        ([".pages", ".zst"], 0o600)
    ]
    assert stat.S_IMODE((tmp_path / "new" / "archive").stat().st_mode) == 0o700
