"""What an extract does to raw, run after run."""

from __future__ import annotations

from datetime import timedelta

from fake_partner import mark, pupil
from trial import MakeTrial, Trial

from orchestration.ingest.categories import Category


def test_the_first_extract_loads_everything_and_the_second_changes_nothing(trial: Trial) -> None:
    trial.partner["A"].put("students", *(pupil(n) for n in range(5)))
    trial.partner["A"].put("students-leaver", pupil(9, is_leaver=True, leaving_date="2024-07-19"))
    (first,) = trial.extract()
    assert (first.state, first.mode, first.message) == ("loaded", "full", None)
    assert (first.pages, first.rows_extracted, first.rows_loaded, first.rows_removed) == (4, 6, 6, 0)
    versions = "select pupil_id, ctid::text, xmin::text, xmax::text, extract_id from raw.pupil order by 1"
    before = trial.query(versions)

    (second,) = trial.extract()
    assert (second.state, second.mode) == ("loaded", "incremental")
    assert (second.rows_extracted, second.rows_loaded) == (0, 0)
    (third,) = trial.extract(full=True)
    assert (third.mode, third.rows_extracted, third.rows_loaded, third.rows_removed) == ("full", 6, 0, 0)
    assert trial.query(versions) == before  # not even a row lock was written
    assert trial.query(
        "select rows_inserted, rows_changed, rows_unchanged from ops.extract_table order by extract_id"
    ) == [
        (6, 0, 0),
        (0, 0, 0),
        (0, 0, 6),
    ]


def test_an_incremental_extract_asks_from_ten_minutes_before_the_first_page(trial: Trial) -> None:
    trial.partner["A"].put("students", *(pupil(n) for n in range(3)))
    trial.extract()
    asked = trial.query("select updated_after from ops.watermark")
    assert asked == [(trial.partner.clock - timedelta(minutes=10),)]


def test_an_amended_row_changes_one_row(trial: Trial) -> None:
    pupils = [pupil(n) for n in range(4)]
    trial.partner["A"].put("students", *pupils)
    trial.extract()
    before = dict(trial.query("select pupil_id, xmin::text from raw.pupil"))
    pupils[2] = pupil(2, updated="2025-07-18T18:30:00+00:00", forename="Bo")
    trial.partner["A"].put("students", *pupils)
    (outcome,) = trial.extract()
    assert (outcome.mode, outcome.rows_extracted, outcome.rows_loaded) == ("incremental", 1, 1)
    after = dict(trial.query("select pupil_id, xmin::text from raw.pupil"))
    assert [name for name in before if before[name] != after[name]] == ["P2"]
    assert trial.raw("pupil", "forename") == [("Ada",), ("Ada",), ("Ada",), ("Bo",)]
    assert trial.query("select extract_id from raw.pupil where pupil_id = 'P2'") == [(outcome.extract_id,)]


def test_a_row_that_goes_is_marked_by_a_full_extract_only_and_comes_back(trial: Trial) -> None:
    everybody = [pupil(n) for n in range(4)]
    trial.partner["A"].put("students", *everybody)
    trial.extract()
    trial.partner["A"].put("students", *everybody[:3])
    (outcome,) = trial.extract()
    assert (outcome.rows_removed, len(trial.raw("pupil", "pupil_id"))) == (0, 4)
    trial.partner.clock += timedelta(days=1)
    (outcome,) = trial.extract(full=True)
    assert (outcome.rows_loaded, outcome.rows_removed) == (0, 1)
    gone = trial.query(
        "select pupil_id, forename, extract_id from raw.pupil where removed_at = %s", trial.partner.clock
    )
    assert gone == [("P3", "Ada", outcome.extract_id)]

    trial.partner["A"].put("students", *everybody)
    (outcome,) = trial.extract(full=True)
    assert (outcome.rows_loaded, outcome.rows_removed) == (1, 0)
    assert len(trial.raw("pupil", "pupil_id")) == 4


def test_a_full_extract_is_due_when_the_last_one_is_older_than_the_category_allows(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    assert trial.extract()[0].mode == "incremental"
    with trial.warehouse.connect() as conn:
        conn.execute("update ops.watermark set full_at = full_at - interval '8 days'")
    assert trial.extract()[0].mode == "full"
    assert trial.extract()[0].mode == "incremental"


def test_a_stream_read_whole_shows_what_has_gone_from_its_tables_after_every_extract(trial: Trial) -> None:
    def lesson(*members: str) -> dict[str, object]:
        pupils = [{"group_id": "G1", "pupil_id": member} for member in members]
        return {"id": "G1", "group_id": "G1", "kind": "CLASS", "code": "8x", "also": {"group_pupil": pupils}}

    school = trial.partner["A"]
    subject = {
        "subject_id": "S1",
        "code": "Ma",
        "name": "Mathematics",
        "source_updated_at": "2025-07-01T09:00:00+00:00",
    }
    school.put("subjects", subject)
    school.put("classes", lesson("P1", "P2", "P3"))
    trial.extract(category=Category.TIMETABLE)
    school.put("subjects")
    school.put("classes", lesson("P1", "P3"))
    (outcome,) = trial.extract(category=Category.TIMETABLE)
    assert (outcome.mode, outcome.rows_removed) == ("incremental", 1)
    assert trial.raw("group_pupil", "pupil_id") == [("P1",), ("P3",)]
    assert trial.raw("subject", "subject_id") == [("S1",)]  # asked for changes only: its absence says nothing


def test_of_several_rows_with_one_key_the_last_version_counts(trial: Trial) -> None:
    trial.partner["A"].put(
        "students",
        pupil(1, forename="newest", updated="2025-07-03T09:00:00+00:00"),
        pupil(1, forename="oldest", updated="2025-07-01T09:00:00+00:00"),
        pupil(2, forename="first"),
        pupil(2, forename="second"),
    )
    (outcome,) = trial.extract()
    assert trial.raw("pupil", "pupil_id", "forename") == [("P1", "newest"), ("P2", "second")]
    assert (outcome.rows_extracted, outcome.rows_loaded) == (4, 2)
    assert outcome.message == "2 rows of pupil came more than once; the last version counts."


def test_each_batch_of_schools_is_loaded_and_the_outcomes_keep_their_order(make_trial: MakeTrial) -> None:
    trial = make_trial([f"S{n}" for n in range(5)])
    for n in range(5):
        trial.partner[f"S{n}"].put("students", *(pupil(m) for m in range(n + 1)))
    trial.settings = trial.settings.model_copy(update={"schools_per_batch": 2})
    order = ["S3", "S0", "S4", "S1", "S2"]
    outcomes = trial.extract(*order)
    assert [outcome.school_id for outcome in outcomes] == [trial.ids[school] for school in order]
    assert [outcome.rows_loaded for outcome in outcomes] == [4, 1, 5, 2, 3]
    assert trial.query("select tablename from pg_tables where schemaname = 'landing'") == []


def test_every_event_is_told(trial: Trial) -> None:
    trial.partner["A"].put("students", *(pupil(n) for n in range(3)))
    events = []
    trial.extract(progress=events.append)
    assert [(e.kind, e.pages, e.rows, e.schools_done, e.schools, e.state) for e in events] == [
        ("started", 0, 0, 0, 1, None),
        ("page", 1, 2, 0, 1, None),
        ("page", 2, 3, 0, 1, None),
        ("page", 3, 3, 0, 1, None),
        ("done", 3, 3, 1, 1, "loaded"),
    ]


def test_marks_are_keyed_by_pupil_day_and_session(trial: Trial) -> None:
    school = trial.partner["A"]
    school.put("codes", {"code_id": "1", "code": "/", "description": "Present"})
    school.put("session", mark(1), mark(1, session="PM", code="L", minutes_late=12), mark(1, "2025-07-02", code="I"))
    (outcome,) = trial.extract(category=Category.ATTENDANCE)
    assert (outcome.state, outcome.rows_loaded) == ("loaded", 4)
    assert [
        (str(day), *rest) for day, *rest in trial.raw("attendance_mark", "mark_date", "session", "code", "minutes_late")
    ] == [
        ("2025-07-01", "AM", "/", None),
        ("2025-07-01", "PM", "L", 12),
        ("2025-07-02", "AM", "I", None),
    ]
