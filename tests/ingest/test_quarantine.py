"""Bad rows: kept with every reason, harmless to the rows already accepted, retried when the rules have changed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from fake_partner import FakeDecoder, mark, pupil
from trial import Trial

from orchestration.connectors.base import BadRow, Rows
from orchestration.ingest import extracts, locks, quarantine
from orchestration.ingest.categories import Category
from orchestration.ingest.retry import RetryResult, retry

LATER = "2025-07-18T18:30:00+00:00"
BORN_TOO_EARLY = {"date_of_birth": "1850-01-01"}


def _open(trial: Trial) -> list[tuple[Any, ...]]:
    return trial.query("select row_key, rules from quarantine.row where state = 'open' order by row_key::text")


def _states(trial: Trial) -> list[str]:
    return [state for (state,) in trial.query("select state from quarantine.row order by quarantine_id")]


def test_a_bad_row_is_kept_with_every_reason_and_the_others_are_loaded(trial: Trial) -> None:
    bad = pupil(2, **BORN_TOO_EARLY, leaving_date="2020-01-01")
    trial.partner["A"].put("students", pupil(1), bad, pupil(3))
    (outcome,) = trial.extract(run_id="first")
    assert (outcome.state, outcome.rows_extracted, outcome.rows_loaded, outcome.rows_quarantined) == ("loaded", 3, 2, 1)
    with trial.warehouse.connect() as conn:
        (entry,) = quarantine.list_open(conn, school_id=trial.ids["A"], category=Category.BASIC)
        assert quarantine.list_open(conn, category=Category.STAFF) == []
        assert quarantine.show(conn, entry.quarantine_id) == entry
        assert quarantine.show(conn, 4711) is None
    assert (entry.school, entry.table_name, entry.row_key) == ("School A", "pupil", {"pupil_id": "P2"})
    assert entry.extract_id == outcome.extract_id
    assert {"PUP-002", "PUP-003"} <= set(entry.rules)
    assert len(entry.messages) == len(entry.rules)
    assert entry.payload["date_of_birth"] == "1850-01-01"
    assert entry.payload["forename"] == "Ada"
    assert not {"school_id", "landing_no"} & set(entry.payload)
    assert json.loads(json.dumps(entry.as_json(), default=str))["row_key"] == {"pupil_id": "P2"}
    assert trial.query(
        "select school_id, rows_checked, rows_failed, examples from ops.gate_result"
        " where run_id = 'first' and rule_id = 'PUP-002'"
    ) == [(trial.ids["A"], 3, 1, [{"school_id": trial.ids["A"], "pupil_id": "P2"}])]


def test_a_bad_version_does_not_make_the_last_good_one_disappear(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2))
    trial.extract()
    trial.partner["A"].put("students", pupil(1), pupil(2, updated=LATER, forename="Bo", **BORN_TOO_EARLY))
    (outcome,) = trial.extract(full=True)
    assert (outcome.state, outcome.rows_quarantined, outcome.rows_removed) == ("loaded", 1, 0)
    assert trial.raw("pupil", "pupil_id", "forename") == [("P1", "Ada"), ("P2", "Ada")]


def test_the_same_bad_row_read_again_renews_its_entry(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1, **BORN_TOO_EARLY))
    trial.extract()
    (second,) = trial.extract(full=True)
    assert trial.query("select extract_id, state from quarantine.row") == [(second.extract_id, "open")]


def test_a_good_version_closes_the_entry(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1, **BORN_TOO_EARLY), pupil(2, **BORN_TOO_EARLY))
    trial.extract()
    trial.partner["A"].put("students", pupil(1, updated=LATER), pupil(2, **BORN_TOO_EARLY))
    (outcome,) = trial.extract()
    assert outcome.mode == "incremental"
    assert _states(trial) == ["superseded", "open"]
    assert _open(trial)[0][0] == {"pupil_id": "P2"}


def test_a_whole_read_without_the_row_closes_the_entry(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2, **BORN_TOO_EARLY))
    trial.extract()
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    assert _states(trial) == ["open"]
    trial.extract(full=True)
    assert _states(trial) == ["superseded"]


def test_rows_that_do_not_decode_are_kept_and_nothing_of_their_tables_is_marked_as_gone(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2), pupil(3))
    trial.extract()
    trial.partner["A"].put("students", pupil(1), pupil(2, updated=LATER, undecodable="\u0000 and \ud800"))
    (outcome,) = trial.extract(full=True)
    assert (outcome.state, outcome.rows_extracted, outcome.rows_quarantined, outcome.rows_removed) == (
        "loaded",
        2,
        1,
        0,
    )
    assert outcome.message == "Rows that have gone from pupil were not marked: refused rows may be theirs."
    ((key, rules, messages, payload, kind),) = trial.query(
        "select row_key, rules, messages, payload, payload_kind from quarantine.row"
    )
    assert (key, rules, kind) == ({"source_id": "P2"}, ["LOAD-DECODE"], "source")
    assert messages == ["The row did not decode: the field undecodable is set"]
    assert payload["undecodable"] == "\\u0000 and \\ud800"
    assert len(trial.raw("pupil", "pupil_id")) == 3

    trial.partner["A"].put("students", pupil(1), pupil(2, updated=LATER, forename="Bo"))
    (outcome,) = trial.extract()  # the record's id tells that it is the one
    assert (outcome.mode, _states(trial)) == ("incremental", ["superseded"])
    (outcome,) = trial.extract(full=True)
    assert outcome.rows_removed == 1


def test_a_mark_that_did_not_decode_is_known_again_by_its_own_id(trial: Trial) -> None:
    school = trial.partner["A"]
    school.put("codes", {"id": "1", "code_id": "1", "code": "/"})
    school.put("session", mark(1), mark(2, undecodable=True))
    trial.extract(category=Category.ATTENDANCE)
    school.put("session", mark(1), mark(2, updated=LATER))
    trial.extract(category=Category.ATTENDANCE)
    assert _states(trial) == ["superseded"]


def test_rows_that_no_column_can_hold_are_refused_one_by_one(trial: Trial) -> None:
    """A connector should not let these through; when one does, the driver would change some of them without a word."""
    school = trial.partner["A"]
    school.put("codes", {"id": "1", "code_id": "1", "code": "/"})
    minutes = [mark(n, code="L", minutes_late=minutes) for n, minutes in enumerate((70_000, 2**70, 5))]
    texts = [mark(10, comment="a\0b"), mark(11, comment="\ud800"), mark(12, mark_id=5), mark(13)]
    school.put("session", *minutes, *texts, mark(14, pupil_id=None), mark(15, pupil_id=None))
    for suite in ("raw/attendance_mark", "batch/school_batch"):
        rules = json.loads(trial.suite(suite).read_text())
        rules["expectations"] = [rule for rule in rules["expectations"] if rule["meta"]["id"] in ("ATT-016", "BAT-007")]
        trial.suite(suite).write_text(json.dumps(rules))
    (outcome,) = trial.extract(category=Category.ATTENDANCE)
    assert (outcome.state, outcome.rows_quarantined) == ("loaded", 7)
    assert trial.raw("attendance_mark", "pupil_id", "minutes_late") == [("P13", None), ("P2", 5)]
    entries = trial.query("select row_key ->> 'pupil_id', rules, messages[1] from quarantine.row order by 1, 3")
    assert [(pupil_id, rules) for pupil_id, rules, _ in entries] == [
        ("P0", ["LOAD-VALUE"]),
        ("P1", ["LOAD-VALUE"]),
        ("P10", ["LOAD-VALUE"]),
        ("P11", ["LOAD-VALUE"]),
        ("P12", ["LOAD-VALUE"]),
        (None, ["LOAD-KEY"]),
        (None, ["LOAD-KEY"]),
    ]
    assert entries[0][2] == "minutes_late is beyond what a smallint can hold."
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings) == RetryResult(0, 7, 0, ())


def _relax(trial: Trial) -> None:
    """Pupils may have been born long ago after all."""
    suite = json.loads(trial.suite("raw/pupil").read_text())
    suite["expectations"] = [rule for rule in suite["expectations"] if rule["meta"]["id"] != "PUP-002"]
    trial.suite("raw/pupil").write_text(json.dumps(suite))


def test_a_row_is_loaded_by_a_retry_after_its_rule_was_mended(trial: Trial) -> None:
    still_bad = pupil(3, **BORN_TOO_EARLY, leaving_date="2020-01-01")
    trial.partner["A"].put("students", pupil(1), pupil(2, **BORN_TOO_EARLY), still_bad)
    (outcome,) = trial.extract()
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings) == RetryResult(0, 2, 0, ())
    _relax(trial)
    trial.partner.requests.clear()
    assert retry(
        trial.warehouse, {trial.partner.name: trial.partner}, trial.settings, category=Category.BASIC
    ) == RetryResult(1, 1, 0, ())
    assert trial.partner.requests == []
    assert [str(born) for (born,) in trial.raw("pupil", "date_of_birth")] == ["1850-01-01", "2012-03-04"]
    # Under a number of its own, later than any that somebody may have read the school's rows up to.
    log = "select extract_id, state, rows_loaded, message from ops.extract order by extract_id desc limit 1"
    ((extract_id, *logged),) = trial.query(log)
    assert logged == ["loaded", 1, f"Retried from quarantine: rows of extract {outcome.extract_id}."]
    assert extract_id > outcome.extract_id
    assert trial.query("select extract_id from raw.pupil where pupil_id = 'P2'") == [(extract_id,)]
    assert _states(trial) == ["resolved", "open"]
    ((key, rules),) = _open(trial)
    assert (key, "PUP-002" in rules, "PUP-003" in rules) == ({"pupil_id": "P3"}, False, True)
    assert trial.query("select tablename from pg_tables where schemaname = 'landing'") == []


def test_a_row_that_did_not_decode_is_decoded_again_from_the_archive(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2, undecodable=True), pupil(3, undecodable=True), pupil(4))
    trial.extract()
    trial.partner["A"].put("students", pupil(4, updated=LATER, forename="Bo"))
    trial.extract()
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings) == RetryResult(0, 2, 0, ())

    decode = FakeDecoder.decode

    def mended(self: FakeDecoder, stream_name: str, body: bytes) -> tuple[list[Rows], list[BadRow]]:
        records = json.loads(body)["data"]
        for record in records:
            if record["pupil_id"] == "P2":
                record.pop("undecodable", None)
        return decode(self, stream_name, json.dumps({"data": records}).encode())

    monkeypatch.setattr(FakeDecoder, "decode", mended)
    trial.partner.requests.clear()
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings) == RetryResult(1, 1, 0, ())
    assert trial.partner.requests == []
    # The archived version of P4 is older than the accepted one.
    assert trial.raw("pupil", "pupil_id", "forename") == [("P1", "Ada"), ("P2", "Ada"), ("P4", "Bo")]
    assert sorted(_states(trial)) == ["open", "resolved"]


def test_decoding_again_does_not_open_what_was_closed(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1, **BORN_TOO_EARLY), pupil(2, undecodable=True))
    trial.extract()
    trial.partner["A"].put("students", pupil(1, updated=LATER))
    trial.extract()
    assert sorted(_states(trial)) == ["open", "superseded"]
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings) == RetryResult(0, 1, 0, ())
    assert sorted(_states(trial)) == ["open", "superseded"]
    assert trial.raw("pupil", "date_of_birth") != []


def test_what_cannot_be_judged_is_not_tried(trial: Trial) -> None:
    trial.partner.page_size = 50
    trial.partner["A"].put("students", *(pupil(n) for n in range(30)))
    trial.extract()
    trial.partner.clock += timedelta(days=1)
    trial.partner["A"].put("students", pupil(1, updated=LATER, **BORN_TOO_EARLY))
    (held,) = trial.extract(full=True)
    assert held.state == "held"
    _relax(trial)
    result = retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings)
    assert (result.loaded, result.still_bad, result.not_tried) == (0, 0, 1)
    (note,) = result.notes
    assert note.startswith(f"School {trial.ids['A']}, extract {held.extract_id}: the extract was not accepted")


def test_a_school_in_a_runs_hands_is_not_retried(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    trial.partner["A"].put("students", pupil(1, **BORN_TOO_EARLY))
    trial.extract()
    _relax(trial)
    with trial.warehouse.connect(autocommit=True) as other:
        assert locks.take_schools(other, Category.BASIC, [trial.ids["A"]])
        monkeypatch.setattr(locks, "PATIENCE", 0)
        result = retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings)
        assert (result.not_tried, "another run" in result.notes[0]) == (1, True)
        locks.release_school(other, Category.BASIC, trial.ids["A"])
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings).loaded == 1


def test_a_school_whose_extract_was_interrupted_is_not_retried(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1, **BORN_TOO_EARLY))
    trial.extract()
    _relax(trial)
    with trial.warehouse.connect(autocommit=True) as other:
        extracts.start(
            other,
            run_id="died",
            school_id=trial.ids["A"],
            source_id=1,
            category=Category.BASIC,
            mode="incremental",
            watermark_from=None,
        )
    result = retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings)
    assert (result.not_tried, "was interrupted; run mis run first" in result.notes[0]) == (1, True)


def test_a_source_row_whose_pages_are_gone_is_not_tried(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2, undecodable=True))
    trial.extract()
    settings = trial.settings.model_copy(update={"archive_url": str(trial.settings.home / "elsewhere")})
    result = retry(trial.warehouse, {trial.partner.name: trial.partner}, settings)
    assert (result.not_tried, "no longer in the archive" in result.notes[0]) == (1, True)


def test_an_id_that_no_index_can_hold_is_one_bad_row(trial: Trial) -> None:
    """Ten million characters, of a record that decodes and of one that does not."""
    endless = "".join(str(number) for number in range(1_500_000))
    trial.partner["A"].put(
        "students",
        pupil(1),
        pupil(2, pupil_id=endless),
        pupil(3, id=endless, undecodable=True),
        pupil(4, surname=endless),
    )
    for _ in range(2):
        (outcome,) = trial.extract(full=True)
        assert (outcome.state, outcome.rows_quarantined) == ("loaded", 2), outcome.message
        assert [row[0] for row in trial.raw("pupil", "pupil_id")] == ["P1", "P4"]
        assert trial.query("select rules from quarantine.row where state = 'open' order by quarantine_id") == [
            (["LOAD-DECODE"],),
            (["LOAD-KEY"],),
        ]
    assert retry(trial.warehouse, {trial.partner.name: trial.partner}, trial.settings).loaded == 0
    assert trial.query("select count(*) from quarantine.row where state = 'open'") == [(2,)]
    trial.partner["A"].put("students", pupil(1), pupil(2), pupil(3), pupil(4))
    trial.extract(full=True)
    assert trial.query("select count(*) from quarantine.row where state = 'open'") == [(0,)]
