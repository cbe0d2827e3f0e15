"""How connections stand, as people are shown it: state, scopes, extracts, what waits, and who uses what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fake_partner import pupil
from trial import MakeTrial, Trial

from orchestration.connection_report import ConnectionStatus, ledger, statuses, uses
from orchestration.ingest import agenda
from orchestration.ingest.categories import READABLE, Category, Purpose


def shown(trial: Trial) -> dict[str, ConnectionStatus]:
    with trial.warehouse.connect() as conn:
        agenda.refresh(conn, datetime.now(UTC))
        return {status.partner_school_id: status for status in statuses(conn, trial.settings.application)}


def test_a_connection_shows_scopes_extracts_and_what_waits(make_trial: MakeTrial) -> None:
    trial = make_trial(["A", "B"])
    trial.partner["A"].scopes = {"students.read": True, "students.upn.read": False}
    trial.register()
    before = shown(trial)["A"]
    assert (before.state, before.serves, before.scopes_granted, before.scopes_asked) == ("approved", True, 1, 2)
    assert (before.last_extract, before.rows_last_extracted, before.quarantined) == (None, 0, 0)

    trial.partner["A"].put("students", pupil(1), pupil(2, undecodable=True))
    trial.extract("A")
    after = shown(trial)["A"]
    assert (after.rows_last_extracted, after.quarantined, after.held, after.failed) == (2, 1, [], [])
    assert after.last_extract is not None
    assert after.next_extract is not None

    # Half of the school has gone at once: held, and what was accepted last is still what it says.
    trial.partner["A"].put("students", *(pupil(number) for number in range(1, 60)))
    trial.extract("A", full=True)
    trial.partner["A"].put("students", pupil(1))
    assert trial.extract("A", full=True)[0].state == "held"
    held = shown(trial)["A"]
    assert (held.held, held.rows_last_extracted) == (["basic"], 1)
    assert held.last_extract is not None
    assert held.last_extract > after.last_extract

    trial.partner["B"].state = "revoked"
    trial.register()
    withdrawn = shown(trial)["B"]
    assert (withdrawn.state, withdrawn.next_extract) == ("revoked", None)
    assert withdrawn.delete_after is not None
    assert withdrawn.delete_after - withdrawn.state_since == timedelta(days=30)


def test_the_ledger_tells_every_change_in_order(trial: Trial) -> None:
    trial.partner["A"].scopes = {"students.read": True}
    trial.register()
    trial.partner["A"].scopes = {"students.read": False}
    trial.register()
    with trial.warehouse.connect() as conn:
        assert [(event.kind, event.scope, event.before, event.after) for event in ledger(conn, trial.ids["A"])] == [
            ("state", None, None, "approved"),
            ("scope", "students.read", None, "granted"),
            ("scope", "students.read", "granted", "not granted"),
        ]


def test_a_school_is_shown_which_purpose_uses_which_category(trial: Trial) -> None:
    trial.partner["A"].put("students", pupil(1))
    trial.extract()
    with trial.warehouse.connect() as conn:
        found = {(use.purpose, use.category): use.is_used for use in uses(conn, trial.ids["A"])}
        allowed = set(conn.execute("select purpose, category from ops.purpose_category").fetchall())
    assert allowed == {(purpose.value, category.value) for purpose in Purpose for category in READABLE[purpose]}
    assert found == {
        (purpose.value, category.value): category is Category.BASIC and category in READABLE[purpose]
        for purpose in Purpose
        for category in Category
    }
    trial.partner["A"].state = "revoked"
    trial.register()
    with trial.warehouse.connect() as conn:
        assert not any(use.is_used for use in uses(conn, trial.ids["A"]))
