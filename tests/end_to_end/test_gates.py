"""What gates do to a whole run: quarantine, hold, block; and what readers see meanwhile (nothing of it).

The tests build on each other in this order.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from installation import Installation

from sandbox import Sandbox

#: A date of birth that no pupil has.
UNBORN = {"date": "2090-01-01 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}
PUBLISHED = ("session", "pupil_day", "pupil_year", "school_week", "school_year", "pupil")


def what_analysts_read(served: Installation) -> dict[str, str]:
    """A digest of every published attendance relation, to the byte."""
    return {
        name: hashlib.sha256(repr(served.rows(f"select * from attendance.{name} as r order by r")).encode()).hexdigest()
        for name in PUBLISHED
    }


def schools(served: Installation) -> list[dict[str, Any]]:
    return served.rows(
        "select school_id, partner_school_id from ops.school where state = 'approved' order by school_id"
    )


def test_a_bad_row_is_quarantined_with_payload_and_rule_and_loads_after_the_fix(
    served: Installation, sandbox: Sandbox
) -> None:
    school = schools(served)[1]
    before = served.rows(
        f"select count(*) as n from raw.pupil where school_id = {school['school_id']} and removed_at is null"
    )
    fault = {"kind": "corrupt", "school": school["partner_school_id"], "endpoint": "students", "rows": [3]}
    sandbox.control("faults", {"faults": [{**fault, "field": "date_of_birth", "value": UNBORN}]})
    summary = served.json("extract", "--full", "--category", "basic")
    assert summary["success"]
    waiting = served.json("quarantine", "list")
    assert len(waiting) == 1
    assert waiting[0]["school_id"] == school["school_id"]
    assert waiting[0]["table_name"] == "pupil"
    shown = json.loads(served.mis("quarantine", "show", str(waiting[0]["quarantine_id"])))
    assert shown["rules"]
    assert len(shown["messages"]) == len(shown["rules"])
    assert shown["payload"]["date_of_birth"] == "2090-01-01"
    # The last good version of the row is still there.
    assert (
        served.rows(
            f"select count(*) as n from raw.pupil where school_id = {school['school_id']} and removed_at is null"
        )
        == before
    )
    sandbox.control("faults", {"faults": []})
    served.json("extract", "--full", "--category", "basic")
    assert served.json("quarantine", "list") == []


def test_a_bad_batch_is_held_and_the_other_schools_proceed(served: Installation, sandbox: Sandbox) -> None:
    held = schools(served)[0]
    query = f"select * from raw.staff as r where school_id = {held['school_id']} order by r"
    before = served.rows(query)
    fault = {"kind": "drop", "school": held["partner_school_id"], "endpoint": "employees", "share": 1.0}
    sandbox.control("faults", {"faults": [fault]})
    summary = served.json("extract", "--full", "--category", "staff", expect=1)
    sandbox.control("faults", {"faults": []})
    (figures,) = summary["categories"]
    assert (figures["held_schools"], figures["loaded_schools"]) == (1, figures["schools"] - 1)
    (trouble,) = summary["troubles"]
    assert trouble["school_id"] == held["school_id"]
    assert "BAT-" in trouble["message"]
    assert served.rows(query) == before


@pytest.mark.parametrize(
    ("column", "what"),
    [("possible_sessions < 0", "failed"), ("no_such_column > 0", "error")],
    ids=["a critical mart rule that fails", "a rule that cannot be evaluated"],
)
def test_a_failed_mart_gate_leaves_what_analysts_read_unchanged_to_the_byte(
    served: Installation, sandbox: Sandbox, tmp_path: Path, column: str, what: str
) -> None:
    before = what_analysts_read(served)
    sandbox.advance()
    suites = tmp_path / "expectations"
    shutil.copytree(Path(__file__).parents[2] / "expectations", suites)
    path = suites / "marts" / "attendance" / "school_year.json"
    suite = json.loads(path.read_text())
    broken = {
        "type": "expect_rows_to_satisfy",
        "severity": "critical",
        "kwargs": {"predicate": column},
        "meta": {"id": "TST-001", "message": "Never holds.", "owner": "tests", "what_to_do": "Nothing."},
    }
    suite["expectations"].append(broken)
    path.write_text(json.dumps(suite))
    summary = served.with_environment(MIS_SUITES_DIR=str(suites)).json("run", expect=1)
    assert "attendance" not in {release["purpose"] for release in summary["published"]}
    assert "benchmarks" in {release["purpose"] for release in summary["published"]}
    verdict = served.rows(
        "select outcome, message from ops.gate_result where rule_id = 'TST-001' order by gate_result_id desc limit 1"
    )
    assert verdict[0]["outcome"] == what
    assert what_analysts_read(served) == before
    reports = list((served.home / "gate_reports").rglob("*.html"))
    assert any("TST-001" in report.read_text() for report in reports)


def test_with_the_suite_mended_the_new_day_is_published(served: Installation) -> None:
    before = what_analysts_read(served)
    assert served.json("publish")["success"]
    assert what_analysts_read(served)["session"] != before["session"]
