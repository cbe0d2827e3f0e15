"""An extract that dies anywhere is gone on with, and the end is as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dying_extract import PLACES, pupils_after, pupils_before
from fake_partner import pupil
from trial import MakeTrial, Trial, install, state_of

from orchestration.connectors.base import Stream
from orchestration.connectors.errors import RequestRefused
from orchestration.ingest import archive, categories
from orchestration.ingest.archive import PAGES_PER_SEGMENT
from orchestration.warehouse.connection import Warehouse

_HERE = Path(__file__).parent


def _kill_at(trial: Trial, place: str) -> None:
    """Let a process extract school A and die at ``place``."""
    command = [sys.executable, str(_HERE / "dying_extract.py"), trial.warehouse.url, str(trial.settings.home)]
    died = subprocess.run([*command, str(trial.settings.suites), place], cwd=_HERE.parents[1], check=False)
    assert died.returncode == -9


def _checksums(trial: Trial) -> dict[str, object]:
    with trial.warehouse.connect() as conn:
        found: dict[str, object] = dict(state_of(conn, ["pupil"]))
    found["quarantine"] = trial.query("select row_key, rules, payload, state from quarantine.row")
    found["watermark"] = trial.query("select updated_after from ops.watermark")
    return found


def _start(trial: Trial) -> None:
    trial.partner.page_size = 1
    trial.partner["A"].put("students", *pupils_before())
    trial.extract()
    trial.partner["A"].put("students", *pupils_after())
    trial.partner.requests.clear()


@pytest.fixture(scope="module")
def undisturbed(module_warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The checksums after the same two extracts in one go."""
    trial = install(module_warehouse, tmp_path_factory.mktemp("undisturbed"), ["A"])
    _start(trial)
    (outcome,) = trial.extract(full=True)
    assert (outcome.rows_loaded, outcome.rows_removed, outcome.rows_quarantined) == (20, 19, 1)
    return _checksums(trial)


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_and_run_again_ends_as_undisturbed(
    trial: Trial, undisturbed: dict[str, object], place: str
) -> None:
    _start(trial)
    _kill_at(trial, place)
    (outcome,) = trial.extract(full=True)
    assert outcome.state == "loaded"
    assert _checksums(trial) == undisturbed
    assert trial.query("select tablename from pg_tables where schemaname = 'landing'") == []
    assert trial.query("select count(*) from ops.extract where state = 'running'") == [(0,)]


def test_a_resumed_extract_asks_only_for_the_pages_it_lacks(trial: Trial) -> None:
    _start(trial)
    _kill_at(trial, "page 70")
    (outcome,) = trial.extract(full=True)
    archived = 69 // PAGES_PER_SEGMENT * PAGES_PER_SEGMENT
    total = len(pupils_after())
    assert trial.partner.requests == [
        *(("A", "students", number) for number in range(archived + 1, total + 1)),
        ("A", "students-leaver", 1),
    ]
    assert (outcome.pages, outcome.rows_extracted) == (total + 1, total)
    assert trial.query("select count(*) from ops.extract") == [(2,)]


def test_an_extract_that_was_read_to_its_end_asks_for_nothing(trial: Trial) -> None:
    _start(trial)
    _kill_at(trial, "before the gates")
    (outcome,) = trial.extract(full=True)
    assert (outcome.state, outcome.rows_loaded, trial.partner.requests) == ("loaded", 20, [])


def _interrupted(trial: Trial, **options: object) -> int:
    """Leave an extract of forty archived pages behind, as Ctrl-C does; its number."""
    trial.partner.page_size = 1
    trial.partner["A"].put("students", *(pupil(n) for n in range(50)))

    def interrupt(school: str, stream: str, number: int) -> None:
        if number == 41:
            raise KeyboardInterrupt

    trial.partner.before_page = interrupt
    with pytest.raises(KeyboardInterrupt):
        trial.extract(**options)
    trial.partner.before_page = lambda school, stream, number: None
    trial.partner.requests.clear()
    ((extract_id,),) = trial.query("select extract_id from ops.extract where state = 'running'")
    return int(extract_id)


def test_ctrl_c_leaves_an_extract_that_is_gone_on_with(trial: Trial) -> None:
    interrupted = _interrupted(trial)
    assert trial.query("select tablename from pg_tables where schemaname = 'landing'") == []
    (outcome,) = trial.extract(run_id="second")
    assert (outcome.extract_id, outcome.state, outcome.rows_loaded) == (interrupted, "loaded", 50)
    assert trial.partner.requests[0][2] >= 40  # not a page that was dealt with is asked for again
    assert trial.query("select run_id from ops.extract") == [("second",)]


def test_a_full_extract_is_gone_on_with_though_less_is_asked_for(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    interrupted = _interrupted(trial, full=True)
    (outcome,) = trial.extract()
    assert (outcome.extract_id, outcome.mode, outcome.rows_loaded) == (interrupted, "full", 49)


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        ("update ops.extract set started_at = started_at - interval '25 hours'", "it is older than a day"),
        ("update ops.extract set mode = 'incremental', watermark_from = now()", "a full one is due"),
    ],
)
def test_an_interrupted_extract_that_no_longer_fits_is_superseded(trial: Trial, meanwhile: str, reason: str) -> None:
    interrupted = _interrupted(trial)
    with trial.warehouse.connect() as conn:
        conn.execute(meanwhile.encode())
    _assert_superseded(trial, interrupted, reason)


def test_pages_asked_for_under_another_declaration_are_not_used(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted = _interrupted(trial)
    import fake_partner

    streams = fake_partner.STREAMS | {
        categories.Category.BASIC: (
            *fake_partner.STREAMS[categories.Category.BASIC],
            Stream("students-new", ("pupil",), incremental=True, optional=True),
        )
    }
    monkeypatch.setattr(fake_partner, "STREAMS", streams)
    _assert_superseded(trial, interrupted, "the category's fields or streams are not what they were")


def test_a_damaged_archive_is_not_used(trial: Trial) -> None:
    interrupted = _interrupted(trial)
    ((path,),) = trial.query("select archive_path from ops.extract")
    first, *_ = archive.Archive(trial.settings.archive).segments(path)
    Path(first).write_bytes(b"not zstd")
    _assert_superseded(trial, interrupted, "cannot be read")


def _assert_superseded(trial: Trial, interrupted: int, reason: str) -> None:
    (outcome,) = trial.extract()
    assert (outcome.state, outcome.rows_loaded) == ("loaded", 50)
    assert outcome.extract_id != interrupted
    assert trial.partner.requests[0] == ("A", "students", 1)
    ((state, message),) = trial.query("select state, message from ops.extract where extract_id = %s", interrupted)
    assert state == "failed"
    assert message.startswith("Superseded")
    assert reason in message


def test_a_partner_that_refuses_the_next_page_is_asked_from_the_beginning(trial: Trial) -> None:
    interrupted = _interrupted(trial)
    trial.partner["A"].records["students"].pop(0)  # landed from the archive, and gone by the time all is read again

    def forget(school: str, stream: str, number: int) -> None:
        if len(trial.partner.requests) == 1:
            raise RequestRefused("cursor expired", status=400)

    trial.partner.before_page = forget
    (outcome,) = trial.extract()
    assert (outcome.state, outcome.rows_loaded, outcome.rows_extracted) == ("loaded", 49, 49)
    assert outcome.extract_id != interrupted
    assert trial.query("select state from ops.extract order by extract_id") == [("failed",), ("loaded",)]


def test_two_schools_interrupted_are_gone_on_with_side_by_side(make_trial: MakeTrial) -> None:
    trial = make_trial(["A", "B"])
    trial.partner.page_size = 1
    for school in "AB":
        trial.partner[school].put("students", *(pupil(n) for n in range(10)))

    def interrupt(school: str, stream: str, number: int) -> None:
        if number == 8:
            raise KeyboardInterrupt

    trial.partner.before_page = interrupt
    with pytest.raises(KeyboardInterrupt):
        trial.extract()
    trial.partner.before_page = lambda school, stream, number: None
    assert [(outcome.state, outcome.rows_loaded) for outcome in trial.extract()] == [("loaded", 10), ("loaded", 10)]
    assert trial.query("select count(*) from ops.extract") == [(2,)]
