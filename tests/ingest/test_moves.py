"""A school that moves to another partner, or to another MIS, keeps what it had: all ids change, no pupil is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_partner import FakeDecoder, FakePartner, Record, mark, pupil
from trial import Trial

from orchestration.connectors.base import School
from orchestration.ingest import registry
from orchestration.ingest.categories import Category
from orchestration.ingest.extract import SchoolOutcome, extract_category
from orchestration.ingest.rematching import match_by_hand, unmatched
from orchestration.ingest.retry import RetryResult, retry


class OtherPartner(FakePartner):
    """Another partner, which lists the same establishment."""

    name = "other"
    mis = "SIMS"

    def listed(self, name: str) -> School:
        return replace(super().listed(name), partner="other", mis=self.mis)


def _leaver(number: int, **fields: object) -> Record:
    return pupil(number, is_leaver=True, leaving_date="2024-07-19", **fields)


@pytest.fixture
def moved(trial: Trial) -> tuple[Trial, OtherPartner]:
    """A school of three pupils and a leaver, with a mark each; then the first partner is told no, the other yes."""
    first, other = trial.partner["A"], OtherPartner(["B"])
    first.put("students", pupil(1), pupil(2, upn=None), pupil(3))
    first.put("students-leaver", _leaver(4))
    first.put("session", *(mark(number, "2024-07-01") for number in (1, 2, 3, 4)))
    for category in (Category.BASIC, Category.ATTENDANCE):
        assert trial.extract(category=category)[0].state == "loaded"
    first.state = "revoked"
    trial.register()
    registry.sync(trial.warehouse, other, trial.settings)
    return trial, other


def read(trial: Trial, other: OtherPartner, category: Category, **options: bool) -> SchoolOutcome:
    (outcome,) = extract_category(
        trial.warehouse, {"other": other}, trial.settings, category, [trial.ids["A"]], run_id="moved", **options
    )
    return outcome


def renumbered(number: int, like: int, **fields: object) -> Record:
    """Pupil ``like`` as the other partner has the same pupil, under ids that were another pupil's before."""
    return {**pupil(number), "surname": f"Reed {like}", "upn": f"A{like:012d}", "upi": None} | fields


def test_the_school_is_one_school_served_by_the_other_partner(moved: tuple[Trial, OtherPartner]) -> None:
    trial, _ = moved
    assert trial.query("select school_id, partner, partner_school_id, state from ops.school") == [
        (trial.ids["A"], "other", "B", "approved")
    ]
    assert trial.query(
        "select partner, kind, before, after, learned_from from ops.connection_event"
        " inner join ops.connection using (connection_id) order by event_id"
    ) == [
        ("fake", "state", None, "approved", "poll"),
        ("fake", "state", "approved", "revoked", "poll"),
        ("other", "state", None, "approved", "poll"),
        ("other", "serving", "fake", "other", "platform"),
    ]


def test_pupils_and_their_marks_keep_their_ids_and_the_past_stays(moved: tuple[Trial, OtherPartner]) -> None:
    trial, other = moved
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2, upn=None), renumbered(4, 3))
    other["B"].put("session", *(mark(number, "2025-07-02") for number in (2, 3, 4)))
    assert read(trial, other, Category.BASIC).mode == "full"
    assert read(trial, other, Category.ATTENDANCE).state == "loaded"
    assert trial.raw("pupil", "pupil_id", "surname", "person_id", "is_leaver") == [
        (f"P{number}", f"Reed {number}", str(5000 + number), number == 4) for number in (1, 2, 3, 4)
    ]
    assert trial.raw("attendance_mark", "pupil_id", "mark_date::text") == sorted(
        [(f"P{number}", "2024-07-01") for number in (1, 2, 3, 4)]
        + [(f"P{number}", "2025-07-02") for number in (1, 2, 3)]
    )
    assert trial.query(
        "select source_record_id, record_id, matched_on from ops.record_alias where table_name = 'pupil' order by 1"
    ) == [
        ("P2", "P1", "UPN, date of birth and admission"),
        ("P3", "P2", "names, date of birth and admission"),
        ("P4", "P3", "UPN, date of birth and admission"),
    ]
    with trial.warehouse.connect() as conn:
        assert unmatched(conn, trial.ids["A"]) == []


def test_who_has_two_numbers_in_the_later_mis_stays_one_person(moved: tuple[Trial, OtherPartner]) -> None:
    trial, other = moved
    back = renumbered(5, 1, person_id="9001", admission_date="2025-04-01")
    trial.partner["A"].state = "approved"
    other["B"].state = "revoked"
    registry.sync(trial.warehouse, other, trial.settings)
    trial.register()
    trial.partner["A"].put(
        "students", pupil(1), pupil(2), pupil(3), {**back, "person_id": "5001", "id": "P1b", "pupil_id": "P1b"}
    )
    assert trial.extract(full=True)[0].state == "loaded"
    trial.partner["A"].state = "revoked"
    other["B"].state = "approved"
    trial.register()
    registry.sync(trial.warehouse, other, trial.settings)
    other["B"].put("students", renumbered(2, 1, person_id="9000"), renumbered(3, 2), renumbered(4, 3), back)
    assert read(trial, other, Category.BASIC).state == "loaded"
    found = trial.raw("pupil", "pupil_id", "person_id", "admission_date::text")
    assert [row for row in found if row[1] == "5001"] == [("P1", "5001", "2023-09-01"), ("P1b", "5001", "2025-04-01")]


def test_a_stranger_with_a_known_id_is_nobody_else(moved: tuple[Trial, OtherPartner]) -> None:
    """P1 and person 5001 are other pupils at the other partner: neither may take over what the first P1 has."""
    trial, other = moved
    stranger = pupil(
        1, surname="Stranger", upn="B000000000009", date_of_birth="2011-01-01", admission_date="2026-09-01"
    )
    other["B"].put("students", stranger, renumbered(2, 1), renumbered(3, 2), renumbered(4, 3))
    read(trial, other, Category.BASIC)
    ((source,),) = trial.query("select source_id from ops.school")
    found = {
        surname: (pupil_id, person)
        for pupil_id, person, surname in trial.raw("pupil", "pupil_id", "person_id", "surname")
    }
    assert found["Stranger"] == (f"{source}:P1", f"{source}:5001")
    assert found["Reed 1"] == ("P1", "5001")


@pytest.mark.parametrize("person", ["5004", "7777"], ids=["a number that was another's", "a number of its own"])
def test_who_was_not_found_again_is_reported_and_can_be_matched_by_hand(
    moved: tuple[Trial, OtherPartner], person: str
) -> None:
    trial, other = moved
    married = renumbered(4, 3, surname="Smith", upn=None, person_id=person)
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2), married)
    other["B"].put("session", mark(4, "2025-07-02"))
    read(trial, other, Category.BASIC)
    read(trial, other, Category.ATTENDANCE)
    ((source,),) = trial.query("select source_id from ops.school")
    with trial.warehouse.connect() as conn:
        assert [(found.side, found.pupil_id, found.surname) for found in unmatched(conn, trial.ids["A"])] == [
            ("before", "P3", "Reed 3"),
            ("after", f"{source}:P4", "Smith"),
        ]
        with pytest.raises(ValueError, match="P1 is no unmatched pupil from before the move"):
            match_by_hand(conn, trial.ids["A"], before="P1", after=f"{source}:P4")
        match_by_hand(conn, trial.ids["A"], before="P3", after=f"{source}:P4")
    assert read(trial, other, Category.BASIC).mode == "full"
    assert read(trial, other, Category.ATTENDANCE).mode == "full"
    assert ("P3", "Smith", "5003") in trial.raw("pupil", "pupil_id", "surname", "person_id")
    assert [row for row in trial.raw("attendance_mark", "pupil_id", "mark_date::text") if row[0] == "P3"] == [
        ("P3", "2024-07-01"),
        ("P3", "2025-07-02"),
    ]
    with trial.warehouse.connect() as conn:
        assert unmatched(conn, trial.ids["A"]) == []


def test_a_record_that_comes_twice_is_found_again_all_the_same(moved: tuple[Trial, OtherPartner]) -> None:
    """Paging over live data repeats a row now and then."""
    trial, other = moved
    trial.partner["A"].state = "approved"
    other["B"].state = "revoked"
    registry.sync(trial.warehouse, other, trial.settings)
    trial.register()
    exclusion = {"exclusion_id": "E1", "pupil_id": "P1", "type_code": "SUSP", "start_date": "2024-06-03",
                 "start_session": "AM", "end_date": "2024-06-03", "end_session": "PM", "sessions": 2,
                 "source_updated_at": "2025-07-01T09:00:00+00:00"}  # fmt: skip
    trial.partner["A"].put("exclusions", exclusion)
    assert trial.extract(category=Category.ATTENDANCE, full=True)[0].state == "loaded"
    trial.partner["A"].state = "revoked"
    other["B"].state = "approved"
    trial.register()
    registry.sync(trial.warehouse, other, trial.settings)
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2), renumbered(4, 3))
    again = {**exclusion, "exclusion_id": "E9", "pupil_id": "P2"}
    other["B"].put("exclusions", again, again)
    read(trial, other, Category.BASIC)
    read(trial, other, Category.ATTENDANCE)
    assert trial.raw("exclusion", "exclusion_id", "pupil_id") == [("E1", "P1")]


@pytest.mark.parametrize(
    ("category", "stream", "table"),
    [(Category.ATTENDANCE, "session", "attendance_mark"), (Category.DEMOGRAPHICS, "census", "pupil_demographics")],
)
def test_rows_of_pupils_of_whom_nobody_ever_told_do_not_stay_beside_the_new_ones(
    trial: Trial, category: Category, stream: str, table: str
) -> None:
    """A category was read without the basic one, and then the school moved: nothing links old rows to anybody."""
    other = OtherPartner(["B"])
    trial.partner["A"].put(stream, mark(1, "2025-07-01"))
    assert trial.extract(category=category)[0].state == "loaded"
    trial.partner["A"].state = "revoked"
    trial.register()
    registry.sync(trial.warehouse, other, trial.settings)
    other["B"].put("students", pupil(8))
    other["B"].put(stream, mark(8, "2025-07-01"))
    read(trial, other, Category.BASIC)
    assert read(trial, other, category).rows_removed == 1
    assert trial.raw(table, "pupil_id") == [("P8",)]


def test_marks_wait_until_the_pupils_are_known_by_their_new_ids(moved: tuple[Trial, OtherPartner]) -> None:
    trial, other = moved
    other["B"].put("session", mark(2, "2025-07-02"))
    refused = read(trial, other, Category.ATTENDANCE)
    assert (refused.state, refused.extract_id) == ("failed", None)
    assert refused.message is not None
    assert "Extract its basic category first" in refused.message


def test_what_the_later_source_deletes_is_seen_to_have_gone(moved: tuple[Trial, OtherPartner]) -> None:
    """Unchanged rows are taken over too: else nobody could say of them that they have gone."""
    trial, other = moved
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2), renumbered(4, 3))
    other["B"].put("session", mark(2, "2024-07-01"))
    read(trial, other, Category.BASIC)
    read(trial, other, Category.ATTENDANCE)
    other["B"].put("session")
    read(trial, other, Category.ATTENDANCE, full=True)
    assert [row[0] for row in trial.raw("attendance_mark", "pupil_id")] == ["P2", "P3", "P4"]


def test_another_mis_behind_the_same_partner_is_another_source(moved: tuple[Trial, OtherPartner]) -> None:
    trial, other = moved
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2), renumbered(4, 3))
    read(trial, other, Category.BASIC)
    other.mis = "Arbor"
    registry.sync(trial.warehouse, other, trial.settings)
    other["B"].put("students", renumbered(7, 1), renumbered(8, 2), renumbered(9, 3))
    assert read(trial, other, Category.BASIC).mode == "full"
    assert trial.raw("pupil", "pupil_id", "surname") == [(f"P{number}", f"Reed {number}") for number in (1, 2, 3, 4)]
    assert read(trial, other, Category.BASIC).mode == "incremental"


def test_a_move_that_is_not_known_yet_brings_nothing_into_raw(moved: tuple[Trial, OtherPartner]) -> None:
    """Between the lists and the end of a reading the ids may have become others."""
    trial, other = moved
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2), renumbered(4, 3))
    read(trial, other, Category.BASIC)
    other["B"].put("students", renumbered(7, 1), renumbered(8, 2), renumbered(9, 3))

    def move(school: str, stream: str, number: int) -> None:
        other.mis = "Arbor"

    other.before_page = move
    refused = read(trial, other, Category.BASIC, full=True)
    assert (refused.state, refused.rows_loaded, refused.rows_removed) == ("failed", 0, 0)
    assert refused.message is not None
    assert refused.message.startswith("The school has moved from SIMS to Arbor, where every id is another.")
    registry.sync(trial.warehouse, other, trial.settings)
    assert read(trial, other, Category.BASIC).state == "loaded"
    assert trial.raw("pupil", "pupil_id", "surname") == [(f"P{number}", f"Reed {number}") for number in (1, 2, 3, 4)]


def test_a_mark_that_is_decoded_again_stands_under_the_pupil_it_is_of(
    moved: tuple[Trial, OtherPartner], monkeypatch: pytest.MonkeyPatch
) -> None:
    trial, other = moved
    other["B"].put("students", renumbered(2, 1), renumbered(3, 2, upn=None), renumbered(4, 3))
    other["B"].put("session", mark(2, "2025-07-02"), mark(3, "2025-07-02") | {"undecodable": True})
    read(trial, other, Category.BASIC)
    read(trial, other, Category.ATTENDANCE)
    before = trial.raw("attendance_mark", "pupil_id", "mark_date::text")
    decode = FakeDecoder.decode
    monkeypatch.setattr(
        FakeDecoder, "decode", lambda self, name, body: decode(self, name, body.replace(b"undecodable", b"decodable"))
    )
    assert retry(trial.warehouse, {"other": other}, trial.settings) == RetryResult(1, 0, 0, ())
    assert trial.raw("attendance_mark", "pupil_id", "mark_date::text") == sorted([*before, ("P2", "2025-07-02")])


def test_what_the_last_reading_before_the_move_missed_is_found_again(moved: tuple[Trial, OtherPartner]) -> None:
    """A page shifted while it was read: a pupil stood as gone, and then the school moved."""
    trial, other = moved
    trial.query("update raw.pupil set removed_at = now() where pupil_id = 'P1' returning 1")
    other["B"].put("students", renumbered(8, like=1))
    read(trial, other, Category.BASIC)
    assert ("P1", "Reed 1") in trial.raw("pupil", "pupil_id", "surname")


@pytest.mark.parametrize("full", [True, False])
def test_a_move_within_one_mis_is_held_until_somebody_says_so(trial: Trial, full: bool) -> None:
    """As to a trust's instance: no partner tells of it, and all pupils would be replaced by strangers."""
    school = trial.partner["A"]
    school.put("students", *(pupil(number) for number in range(1, 31)))
    school.put("session", mark(1))
    for category in (Category.BASIC, Category.ATTENDANCE):
        assert trial.extract(category=category)[0].state == "loaded"
    before = trial.raw("pupil", "pupil_id", "upn")
    later = "2025-07-20T09:00:00+00:00"
    school.put("students", *(renumbered(100 + n, like=n, source_updated_at=later) for n in range(1, 31)))
    school.put("session", mark(101, "2025-07-02", updated=later))
    (held,) = trial.extract(full=full)
    assert (held.state, "BAT-009" in (held.message or ""), "mis connections moved" in (held.message or "")) == (
        "held",
        True,
        True,
    )
    assert trial.raw("pupil", "pupil_id", "upn") == before
    with trial.warehouse.connect() as conn:
        registry.moved(conn, trial.settings, trial.ids["A"])
    for category in (Category.BASIC, Category.ATTENDANCE):
        (outcome,) = trial.extract(category=category)
        assert (outcome.state, outcome.mode) == ("loaded", "full"), outcome.message
    assert trial.raw("pupil", "pupil_id", "upn") == before
    assert [row[0] for row in trial.raw("attendance_mark", "pupil_id", "mark_date")] == ["P1", "P1"]
    ledger = "select kind, learned_from from ops.connection_event where kind = 'migration'"
    assert trial.query(ledger) == [("migration", "operator")]


def test_nobody_moves_a_school_that_is_not_known(trial: Trial) -> None:
    with trial.warehouse.connect() as conn, pytest.raises(registry.RegistryError, match="no school 99"):
        registry.moved(conn, trial.settings, 99)


def test_a_september_is_no_move(trial: Trial) -> None:
    trial.partner["A"].put("students", *(pupil(number) for number in range(1, 101)))
    trial.extract()
    later = "2025-09-03T09:00:00+00:00"
    trial.partner["A"].put("students", *(pupil(number, updated=later) for number in range(101, 121)))
    trial.partner.clock += timedelta(days=60)
    (outcome,) = trial.extract()
    assert (outcome.state, outcome.mode) == ("loaded", "incremental"), outcome.message
