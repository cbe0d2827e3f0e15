"""``mis targets`` as an operator types it, against a warehouse of its own."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from published_school import MATHS, YEAR, key, publish_school, put_people, staff_of
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.settings import get_settings
from orchestration.targets import service
from orchestration.targets.files import COLUMNS
from orchestration.warehouse.connection import Warehouse

HEAD, LEADER, LOOKER = (
    ("--by", "head@school.example"),
    ("--by", "leader@school.example"),
    ("--by", "looker@school.example"),
)
SCHOOL = ("--school", "School 1")
Mis = Callable[..., Result]


@pytest.fixture
def mis(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mis]:
    with warehouse.connect() as connection:
        publish_school(connection)
        put_people(connection)
    monkeypatch.setenv("DATABASE_URL", warehouse.url)
    monkeypatch.setenv("MIS_HOME", str(tmp_path))
    get_settings.cache_clear()

    def call(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, result.output
        return result

    yield call
    get_settings.cache_clear()


def test_a_year_groups_targets_from_policy_to_lock(mis: Mis, warehouse: Warehouse, tmp_path: Path) -> None:
    mis(
        "targets", "policy", "set", *HEAD, *SCHOOL, "--year", str(YEAR), "--challenge", "50", "--challenge", "20",
        "--reason", "Half way to the best fifth",
    )  # fmt: skip
    shown = json.loads(mis("targets", "policy", "show", *LOOKER, *SCHOOL, "--json").stdout)
    assert {row["challenge_levels"][1] for row in shown["in_force"]} == {"20.00"}
    assert shown["entries"][0]["reason"] == "Half way to the best fifth"
    done = json.loads(mis("targets", "prepopulate", *HEAD, *SCHOOL, "--json").stdout)
    assert (done["set_now"], done["not_estimated"]) == (8, 1)

    file = tmp_path / "maths.csv"
    assert "4 rows" in mis("targets", "template", str(file), *LEADER, *SCHOOL, "--subject", "Mathematics").stdout
    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = list(csv.reader(opened))
    lines[1][COLUMNS.index("target")] = "8"
    lines[2][COLUMNS.index("target")] = "12"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(lines)
    refused = mis("targets", "import", str(file), *LEADER, status=1)
    assert "line 3, target: '12' is no grade of GCSE" in refused.stdout
    assert "Nothing was loaded" in refused.stdout
    assert "1 loaded" in mis("targets", "import", str(file), *LEADER, "--good-rows", status=1).stdout

    assert "review: 8 targets" in mis("targets", "review", *LEADER, *SCHOOL).stdout
    rejected = mis("targets", "reject", *HEAD, *SCHOOL, "--subject", "History", status=1)
    assert "4 refused, for instance: A rejection needs a reason" in rejected.stdout
    assert "approve: 8 targets" in mis("targets", "approve", *HEAD, *SCHOOL).stdout
    assert "lock: 4 targets" in mis("targets", "lock", *HEAD, *SCHOOL, "--subject", "Mathematics").stdout
    progress = json.loads(mis("targets", "status", *LOOKER, *SCHOOL, "--json").stdout)
    assert [(row["subject"], row["set_targets"], row["approved"], row["locked"]) for row in progress] == [
        ("History", 4, 4, 0),
        ("Mathematics", 4, 4, 4),
    ]
    assert json.loads(mis("targets", "differences", *LOOKER, *SCHOOL, "--json").stdout) == []

    export = tmp_path / "locked.xlsx"
    assert "4 rows" in mis("targets", "export", str(export), *LEADER, *SCHOOL, "--status", "locked").stdout
    with warehouse.connect() as connection:
        log = service.history(connection, staff_of(connection).looker, key(1, MATHS))
        assert [(target.act, target.grade) for target in log] == [
            ("prepopulate", "5"),
            ("propose", "8"),
            ("review", "8"),
            ("approve", "8"),
            ("lock", "8"),
        ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("prepopulate", *LOOKER, *SCHOOL), "mis person grant looker@school.example"),
        (("status", "--by", "nobody@school.example", *SCHOOL), "There is no person nobody@school.example"),
        (("status", *LOOKER, "--school", "School 9"), "There is no school 'School 9'"),
        (("status", *LOOKER, "--school", "School 2"), "or it is not yours"),
        (("template", "targets.ods", *LEADER, *SCHOOL), "Files of targets are .csv or .xlsx"),
        (("template", "targets.csv", *LOOKER, *SCHOOL), "for people who may see names"),
        (
            ("policy", "set", *HEAD, *SCHOOL, "--year", str(YEAR), "--challenge", "10", "--reason", "x"),
            "no challenge level 10",
        ),
    ],
)
def test_a_refusal_is_a_sentence_with_what_to_do(mis: Mis, arguments: tuple[str, ...], told: str) -> None:
    assert told in " ".join(mis("targets", *arguments, status=1).output.split())


def test_rights_in_targets_are_given_and_taken(mis: Mis) -> None:
    mis("person", "grant", LOOKER[1], "--target-task", "edit", "--subject", "History", "--special-category")
    shown = json.loads(mis("person", "show", LOOKER[1], "--json").stdout)
    assert shown["target_tasks"] == ["edit at school 1 in History"]
    assert shown["can_view_special_category"]
    assert "edit at school 1 in History" in " ".join(mis("person", "show", LOOKER[1]).stdout.split())
    mis("person", "revoke", LOOKER[1], *SCHOOL, "--target-task", "edit")
    shown = json.loads(mis("person", "show", LOOKER[1], "--json").stdout)
    assert (shown["target_tasks"], shown["school_ids"]) == ([], [1])
    again = mis("person", "revoke", LOOKER[1], "--target-task", "edit", status=1)
    assert "does not have the task edit at school 1" in " ".join(again.output.split())
    assert "--target-task" in mis("person", "grant", LOOKER[1], "--subject", "History", status=2).output
