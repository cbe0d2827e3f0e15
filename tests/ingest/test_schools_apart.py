"""What goes wrong with one school stays with it: failures, holds, withdrawn permissions."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from fake_partner import FakeSchool, mark, pupil
from trial import MakeTrial, Trial

from orchestration.connectors.errors import MalformedPage, PartnerUnavailable, Unauthorised
from orchestration.ingest import locks, registry
from orchestration.ingest.categories import Category


@pytest.fixture
def two(make_trial: MakeTrial) -> Trial:
    """Two schools of thirty pupils each, extracted once."""
    trial = make_trial(["A", "B"])
    trial.partner.page_size = 10
    for school in "AB":
        trial.partner[school].put("students", *(pupil(n) for n in range(30)))
    assert [outcome.state for outcome in trial.extract()] == ["loaded", "loaded"]
    return trial


def _live(trial: Trial, school: str) -> int:
    ((rows,),) = trial.query(
        "select count(*) from raw.pupil where school_id = %s and removed_at is null", trial.ids[school]
    )
    return rows


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PartnerUnavailable("no answer in 6 tries", status=503), "no answer in 6 tries"),
        (MalformedPage("no data list"), "no data list"),
        (ZeroDivisionError("a fault of ours"), "ZeroDivisionError: a fault of ours (test_schools_apart.py:"),
    ],
)
def test_a_school_that_cannot_be_read_fails_alone(two: Trial, error: Exception, said: str) -> None:
    def fail(school: str, stream: str, number: int) -> None:
        if (school, number) == ("A", 2):
            raise error

    two.partner.before_page = fail
    for school in "AB":
        two.partner[school].put("students", *(pupil(n) for n in range(40)))
    failed, loaded = two.extract(full=True)
    assert (failed.state, failed.pages, failed.rows_loaded) == ("failed", 1, 0)
    assert failed.message is not None
    assert said in failed.message
    assert (loaded.state, loaded.rows_loaded) == ("loaded", 10)
    assert (_live(two, "A"), _live(two, "B")) == (30, 40)
    assert two.query("select state, message from ops.extract where extract_id = %s", failed.extract_id) == [
        ("failed", failed.message)
    ]
    assert two.query("select extract_id from ops.watermark where school_id = %s", two.ids["A"]) != [
        (failed.extract_id,)
    ]


def test_a_refused_token_is_not_tried_on_every_school(make_trial: MakeTrial) -> None:
    trial = make_trial([f"S{n}" for n in range(6)])
    trial.settings = trial.settings.model_copy(update={"partner_concurrency": 2})

    def refuse(school: str, stream: str, number: int) -> None:
        raise Unauthorised("The partner refused our token.", status=401)

    trial.partner.before_page = refuse
    assert {(outcome.state, outcome.message) for outcome in trial.extract()} == {
        ("failed", "The partner refused our token. [HTTP 401]")
    }
    assert len(trial.partner.requests) <= 2


def test_a_held_batch_leaves_the_last_accepted_rows_while_the_other_school_proceeds(two: Trial) -> None:
    watermark = "select updated_after, full_at, extract_id from ops.watermark where school_id = %s"
    before = two.query(watermark, two.ids["A"])
    two.partner.clock += timedelta(days=1)
    two.partner["A"].put("students", *(pupil(n) for n in range(5)), pupil(99, date_of_birth="1850-01-01"))
    two.partner["B"].put("students", *(pupil(n) for n in range(31)))
    held, loaded = two.extract(full=True, run_id="second")
    assert (held.state, held.rows_extracted, held.rows_loaded, held.rows_removed) == ("held", 6, 0, 0)
    assert held.message is not None
    assert held.message.startswith("BAT-002 (pupil): A full read must not bring fewer than half")
    assert (loaded.state, loaded.rows_loaded) == ("loaded", 1)
    assert (_live(two, "A"), _live(two, "B")) == (30, 31)
    assert two.query(watermark, two.ids["A"]) == before
    assert two.query("select state from ops.extract where extract_id = %s", held.extract_id) == [("held",)]
    # The refused row of a held batch is evidence, and says which extract it is of.
    assert two.query("select extract_id, row_key from quarantine.row") == [(held.extract_id, {"pupil_id": "P99"})]
    assert two.query(
        "select school_id, outcome, rows_failed, examples from ops.gate_result"
        " where run_id = 'second' and rule_id = 'BAT-002'"
    ) == [(two.ids["A"], "failed", 1, [{"school_id": two.ids["A"], "table_name": "pupil"}])]


def test_a_held_batch_that_is_right_is_loaded_when_the_operator_accepts_it(two: Trial) -> None:
    two.partner["A"].put("students")
    (held,) = two.extract("A", full=True, run_id="held")
    assert held.state == "held"
    assert held.message is not None
    assert "mis extract --school ID --category NAME --full --accept-held" in held.message
    (again,) = two.extract("A", full=True, run_id="again")
    assert (again.state, _live(two, "A")) == ("held", 30)

    (accepted,) = two.extract("A", full=True, accept_held=True, run_id="accepted")
    assert (accepted.state, accepted.rows_removed, _live(two, "A")) == ("loaded", 30, 0)
    assert accepted.message == (
        "accepted by the operator: BAT-001 (pupil): A full read must not come back empty where there were rows before."
    )
    assert two.query("select state, message from ops.extract where extract_id = %s", accepted.extract_id) == [
        ("loaded", accepted.message)
    ]
    # What was overridden is on record like any other rule that failed.
    assert two.query(
        "select school_id, rule_id from ops.gate_result where run_id = 'accepted' and outcome = 'failed'"
    ) == [(two.ids["A"], "BAT-001")]
    assert two.extract("A")[0].state == "loaded"


def test_a_column_that_the_school_has_withdrawn_empties_and_does_not_hold_it(two: Trial) -> None:
    two.settings.column_permissions.write_text(
        "partner,scope,table_name,column_name\nfake,surname.read,pupil,surname\nfake,upn.read,pupil,upn\n"
    )
    changed = [pupil(n, updated="2025-07-18T18:30:00+00:00", surname=None) for n in range(30)]
    for school in "AB":
        two.partner[school].scopes = {"surname.read": school == "B", "upn.read": False}
        two.partner[school].put("students", *changed)
    two.register()
    withdrawn, faulty = two.extract()
    assert (withdrawn.state, faulty.state) == ("loaded", "held")
    assert faulty.message is not None
    assert faulty.message.startswith("BAT-004 (pupil)")
    assert two.query("select school_id, count(*), count(surname) from raw.pupil group by 1 order by 1") == [
        (two.ids["A"], 30, 0),
        (two.ids["B"], 30, 30),
    ]


def test_a_table_that_the_school_has_withdrawn_has_no_column_to_miss(two: Trial) -> None:
    two.settings.column_permissions.write_text("partner,scope,table_name,column_name\nfake,students.read,pupil,*\n")
    two.partner["A"].scopes = {"students.read": False}
    two.partner["A"].put("students", *(pupil(n, updated="2025-07-18T18:30:00+00:00", surname=None) for n in range(30)))
    two.register()
    assert [outcome.state for outcome in two.extract("A")] == ["loaded"]


def test_a_rule_that_cannot_be_evaluated_holds_a_school_whatever_the_operator_accepts(two: Trial) -> None:
    suite = json.loads(two.suite("batch/school_batch").read_text())
    suite["expectations"][2]["kwargs"] = {"predicate": "no_such_column > 0"}
    two.suite("batch/school_batch").write_text(json.dumps(suite))
    two.partner["A"].put("students", *(pupil(n) for n in range(5)))
    for outcome in two.extract(full=True, accept_held=True):
        assert outcome.state == "held"
        assert outcome.message is not None
        assert "BAT-003: The rule could not be evaluated" in outcome.message
    assert (_live(two, "A"), _live(two, "B")) == (30, 30)


def test_no_school_loses_all_of_its_pupils_at_once_however_few_they_are(trial: Trial) -> None:
    trial.partner["A"].put("students", *(pupil(n) for n in range(19)))
    trial.extract()
    trial.partner["A"].put("students")
    (outcome,) = trial.extract(full=True)
    assert (outcome.state, outcome.rows_removed) == ("held", 0)


def test_a_column_that_comes_back_empty_holds_the_school(two: Trial) -> None:
    for school, surname in (("A", None), ("B", "New")):
        two.partner[school].put(
            "students", *(pupil(n, updated="2025-07-18T18:30:00+00:00", surname=surname) for n in range(25))
        )
    held, loaded = two.extract()
    assert (held.mode, held.state, loaded.state) == ("incremental", "held", "loaded")
    assert held.message is not None
    assert held.message.startswith("BAT-004 (pupil)")


def test_a_rule_that_cannot_be_evaluated_holds_every_school_with_rows_in_the_table(two: Trial) -> None:
    suite = json.loads(two.suite("raw/pupil").read_text())
    suite["expectations"][0]["kwargs"] = {"column": "no_such_column"}
    two.suite("raw/pupil").write_text(json.dumps(suite))
    two.partner["A"].put("students", pupil(50, updated="2025-07-18T18:30:00+00:00"))
    first, second = two.extract()
    assert (first.state, second.state) == ("held", "loaded")  # B brought no row that could have been judged
    assert first.message is not None
    assert "The rule could not be evaluated" in first.message
    assert "no_such_column" in first.message
    assert _live(two, "A") == 30


def test_a_suite_that_cannot_be_read_lets_nothing_through(two: Trial) -> None:
    two.suite("raw/pupil").write_text("{")
    two.partner["A"].put("students", pupil(50, updated="2025-07-18T18:30:00+00:00"))
    assert {outcome.state for outcome in two.extract()} == {"failed"}
    assert _live(two, "A") == 30


def test_a_row_that_cannot_be_loaded_fails_its_school_alone(two: Trial) -> None:
    with two.warehouse.connect() as conn:
        conn.execute("alter table raw.pupil add constraint breaks check (surname <> 'Breaks')")
    two.partner["A"].put("students", pupil(50, updated="2025-07-18T18:30:00+00:00", surname="Breaks"))
    two.partner["B"].put("students", pupil(50, updated="2025-07-18T18:30:00+00:00"))
    failed, loaded = two.extract(run_id="second")
    assert (failed.state, loaded.state, loaded.rows_loaded) == ("failed", "loaded", 1)
    assert failed.message is not None
    assert failed.message.startswith('CheckViolation: new row for relation "pupil" violates check constraint "breaks"')
    assert "Reed" not in failed.message
    ((recorded,),) = two.query("select count(*) from ops.gate_result where run_id = 'second' and rule_id = 'BAT-001'")
    assert recorded == 1


def test_a_scope_that_is_not_granted_leaves_its_tables_alone(trial: Trial) -> None:
    school = trial.partner["A"]
    school.put("codes", {"id": "1", "code_id": "1", "code": "/"})
    school.put("session", mark(1))
    exclusion = {"exclusion_id": "E1", "pupil_id": "P1", "type_code": "SUSP", "start_date": "2025-05-01"}
    school.put("exclusions", exclusion | {"source_updated_at": "2025-07-01T09:00:00+00:00"})
    trial.extract(category=Category.ATTENDANCE)
    school.denied = {"exclusions"}
    school.put("session", mark(1), mark(2))
    (outcome,) = trial.extract(category=Category.ATTENDANCE, full=True)
    assert (outcome.state, outcome.rows_loaded, outcome.rows_removed) == ("loaded", 1, 0)
    assert outcome.message is not None
    assert outcome.message.startswith("exclusions not granted: Scope exclusions.read not enabled")
    assert trial.raw("exclusion", "exclusion_id") == [("E1",)]

    # What the category cannot do without: nothing is read, nothing is touched, and it is nobody's fault.
    school.denied = {"codes"}
    trial.partner.requests.clear()
    (outcome,) = trial.extract(category=Category.ATTENDANCE, full=True)
    assert (outcome.state, outcome.rows_extracted, outcome.rows_removed) == ("loaded", 0, 0)
    assert outcome.message is not None
    assert outcome.message.startswith("codes not granted")
    assert trial.partner.requests == [("A", "codes", 1)]
    assert len(trial.raw("attendance_mark", "pupil_id")) == 2


def test_what_changed_while_a_stream_was_denied_comes_when_it_can_be_read_again(trial: Trial) -> None:
    """The partner never listed a scope as off: a proxy, or a backend in trouble, answered 403 or 404 for a while."""
    school = trial.partner["A"]
    school.put("codes", {"id": "1", "code_id": "1", "code": "/"})
    exclusion = {"pupil_id": "P1", "type_code": "SUSP", "start_date": "2025-05-01"}
    school.put("exclusions", exclusion | {"exclusion_id": "E1", "source_updated_at": "2025-07-18T09:00:00+00:00"})
    trial.extract(category=Category.ATTENDANCE)
    later = exclusion | {"exclusion_id": "E2", "source_updated_at": "2025-07-18T18:30:00+00:00"}
    school.records["exclusions"].append(later)
    school.denied = {"exclusions"}
    for _ in range(2):
        trial.partner.clock += timedelta(hours=1)
        assert trial.extract(category=Category.ATTENDANCE)[0].mode == "incremental"
    school.denied = set()
    (outcome,) = trial.extract(category=Category.ATTENDANCE)
    assert (outcome.mode, outcome.rows_extracted, outcome.rows_loaded) == ("incremental", 3, 1)
    assert trial.raw("exclusion", "exclusion_id") == [("E1",), ("E2",)]
    (outcome,) = trial.extract(category=Category.ATTENDANCE)
    assert outcome.rows_extracted == 1  # the codes, and nothing of the stream that has caught up


def test_a_scope_that_is_granted_anew_makes_a_full_extract_due(trial: Trial) -> None:
    trial.partner["A"].scopes = {"students.read": True, "exclusions.read": False}
    trial.register()
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    assert trial.extract()[0].mode == "incremental"
    trial.partner["A"].scopes["exclusions.read"] = True
    trial.register()
    assert trial.extract()[0].mode == "full"
    trial.register()
    assert trial.extract()[0].mode == "incremental"


def test_tables_that_the_mis_could_not_fill_lose_nothing(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1), pupil(2))
    trial.extract()
    trial.partner["A"].put("students", pupil(1))
    trial.partner["A"].incomplete = {"pupil"}
    (outcome,) = trial.extract(full=True)
    assert (outcome.state, outcome.rows_removed) == ("loaded", 0)


def test_a_school_that_withdraws_while_it_is_read_is_not_loaded(two: Trial) -> None:
    def withdraw(school: str, stream: str, number: int) -> None:
        if (school, number) == ("A", 2):
            two.partner["A"].state = "revoked"

    two.partner.before_page = withdraw
    two.partner["A"].put("students", *(pupil(n) for n in range(60)))
    failed, loaded = two.extract(full=True)
    assert (failed.state, loaded.state) == ("failed", "loaded")
    assert failed.message is not None
    assert "no longer approved" in failed.message
    assert _live(two, "A") == 30


def test_a_school_whose_withdrawal_is_recorded_while_it_is_read_is_not_loaded(two: Trial) -> None:
    def record(school: str, stream: str, number: int) -> None:
        if (school, stream) == ("A", "students-leaver"):
            with two.warehouse.connect() as conn:
                conn.execute("update ops.school set state = 'revoked' where school_id = %s", (two.ids["A"],))

    two.partner.before_page = record
    two.partner["A"].put("students", *(pupil(n) for n in range(31)))
    failed, loaded = two.extract(full=True)
    assert (failed.state, loaded.state) == ("failed", "loaded")
    assert failed.message is not None
    assert "no longer approved: it is revoked" in failed.message
    assert _live(two, "A") == 30
    two.partner.requests.clear()
    (refused,) = two.extract("A")
    assert (refused.state, refused.extract_id, two.partner.requests) == ("failed", None, [])


def test_a_school_in_another_runs_hands_is_left_to_it(two: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    with two.warehouse.connect(autocommit=True) as other:
        assert locks.take_schools(other, Category.BASIC, [two.ids["A"]])
        monkeypatch.setattr(locks, "PATIENCE", 0)
        refused, loaded = two.extract()
        assert (refused.state, refused.extract_id, loaded.state) == ("failed", None, "loaded")
        assert refused.message is not None
        assert refused.message.startswith("Another run is extracting basic of this school.")
        locks.release_school(other, Category.BASIC, two.ids["A"])
    assert two.extract("A")[0].state == "loaded"
    assert two.extract("A")[0].state == "loaded"  # the first gave its own lock back


def test_an_unknown_school_is_said_to_be_unknown(trial: Trial) -> None:
    trial.ids["nobody"] = 4711
    (outcome,) = trial.extract("nobody")
    assert (outcome.state, outcome.message) == ("failed", "There is no school 4711. `mis status` lists the schools.")


def test_the_registry_keeps_states_and_forgets_no_school(make_trial: MakeTrial) -> None:
    trial = make_trial(["A", "B", "C"])
    states = "select partner_school_id, state, state_since from ops.school order by 1"
    before = {name: (state, since) for name, state, since in trial.query(states)}
    trial.partner["B"].state = "revoked"
    del trial.partner.schools_at_partner["C"]
    registered = registry.sync(trial.warehouse, trial.partner, trial.settings)
    after = {name: (state, since) for name, state, since in trial.query(states)}
    assert {name: state for name, (state, _) in after.items()} == {"A": "approved", "B": "revoked", "C": "offline"}
    assert after["A"] == before["A"]
    assert after["B"][1] > before["B"][1]
    assert [(school.partner_school_id, school.state) for school in registered] == [
        ("A", "approved"),
        ("B", "revoked"),
        ("C", "offline"),
    ]


def test_an_empty_list_of_schools_changes_nothing(trial: Trial) -> None:
    trial.partner.schools_at_partner.clear()
    with pytest.raises(registry.RegistryError, match="lists no school"):
        registry.sync(trial.warehouse, trial.partner, trial.settings)
    assert trial.query("select state from ops.school") == [("approved",)]


def test_a_scope_that_is_no_longer_listed_is_no_longer_granted(trial: Trial) -> None:
    trial.partner["A"].scopes = {"students.read": True, "staff.read": True}
    trial.register()
    del trial.partner["A"].scopes["staff.read"]
    trial.register()
    assert trial.query("select scope, granted from ops.school_scope order by 1") == [
        ("staff.read", False),
        ("students.read", True),
    ]


def test_a_poll_asks_for_scopes_once_a_day_and_for_those_of_new_schools_at_once(make_trial: MakeTrial) -> None:
    trial = make_trial(["A"])
    trial.partner["A"].scopes = {"students.read": True}
    trial.register()
    trial.partner.schools_at_partner["B"] = FakeSchool(scopes={"students.read": True})
    trial.partner["A"].scopes = {"students.read": False}
    asked = (
        "select partner_school_id, granted from ops.connection_scope inner join ops.connection using (connection_id)"
    )

    def poll() -> list[tuple[object, ...]]:
        registry.sync(trial.warehouse, trial.partner, trial.settings, closely=False)
        return sorted(trial.query(asked))

    assert poll() == [("A", True), ("B", True)]
    trial.query("update ops.connection_scope set seen_at = seen_at - interval '21 hours' returning 1")
    assert poll() == [("A", False), ("B", True)]
