"""People and metrics as an operator and an analyst use them: the commands, a login of one's own, and the answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from installation import Installation

from orchestration.settings import Settings
from orchestration.warehouse.connection import warehouse


def schools(installation: Installation) -> list[dict[str, Any]]:
    """The approved schools, by number."""
    found: list[dict[str, Any]] = [
        school for school in installation.json("status")["schools"] if school["state"] == "approved"
    ]
    return found


@contextmanager
def session_of(installation: Installation, credentials: dict[str, Any]) -> Iterator[psycopg.Connection]:
    """A session with what `mis person login` printed, as a BI tool would open it."""
    with (
        warehouse(Settings(home=installation.home)),
        psycopg.connect(
            host=credentials["host"],
            port=credentials["port"],
            dbname=credentials["database"],
            user=credentials["user"],
            password=credentials["password"],
            autocommit=True,
        ) as session,
    ):
        yield session


def test_a_person_logs_in_and_sees_what_they_may(installation: Installation) -> None:
    mine, other, _ = schools(installation)
    added = installation.json(
        "person", "add", "ada@elm.example", "--name", "Ada Head", "--school", mine["name"], "--purpose", "attendance"
    )
    assert (added["school_ids"], added["can_view_small_groups"]) == ([mine["school_id"]], False)
    credentials = installation.json("person", "login", "ada@elm.example")
    with session_of(installation, credentials) as session:
        assert session.execute("select school_id from attendance.school").fetchall() == [(mine["school_id"],)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("select * from attendance.pupil_year")
    installation.mis("person", "grant", "ada@elm.example", "--small-groups")
    with session_of(installation, credentials) as session:
        for relation in ("pupil", "pupil_year", "pupil_day", "session", "school_year", "school_week", "exclusion"):
            found = session.execute(f"select distinct school_id from attendance.{relation}".encode()).fetchall()
            assert found == [(mine["school_id"],)], relation
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("select * from attendance.pupil_name")
    installation.mis("person", "grant", "ada@elm.example", "--school", str(other["school_id"]), "--named")
    with session_of(installation, credentials) as session:
        named = session.execute("select distinct school_id from attendance.pupil_name order by 1").fetchall()
        assert named == [(mine["school_id"],), (other["school_id"],)]
    shown = installation.json("person", "show", "ada@elm.example")
    assert [event["action"] for event in shown["events"]] == ["added", "granted", "login created", "granted", "granted"]
    installation.mis("person", "revoke", "ada@elm.example", "--login")
    with pytest.raises(psycopg.OperationalError), session_of(installation, credentials):
        pass
    installation.mis("person", "remove", "ada@elm.example")
    assert installation.json("person", "list") == []
    assert installation.json("person", "show", "ada@elm.example")["events"][-1]["action"] == "removed"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "eve@elm.example", "--name", "Eve", "--school", "No Such School"),
        ("add", "eve", "--name", "Eve"),
        ("add", "eve@elm.example", "--name", "Eve", "--named"),
        ("grant", "nobody@elm.example", "--small-groups"),
        ("login", "nobody@elm.example"),
        ("show", "nobody@elm.example"),
    ],
)
def test_what_cannot_be_done_ends_in_a_sentence(installation: Installation, arguments: tuple[str, ...]) -> None:
    installation.mis("person", *arguments, expect=1)
    assert installation.json("person", "list") == []


def test_metrics_are_asked_by_name(installation: Installation) -> None:
    names = {metric["name"] for metric in installation.json("metrics", "list")}
    assert {"attendance_rate", "persistent_absence_rate", "suspensions_per_100_pupils"} <= names
    found = installation.json(
        "metrics", "query", "attendance_rate", "persistent_absence_rate", "--group-by", "school_id,academic_year"
    )
    expected = installation.rows(
        "select school_id, academic_year, attendance_rate, persistent_absence_rate from attendance.school_year"
        " order by 1, 2"
    )
    assert [tuple(row.values()) for row in found] == [tuple(float(value) for value in row.values()) for row in expected]


def test_metrics_are_asked_with_somebodys_rights(installation: Installation) -> None:
    mine, *_ = schools(installation)
    school = str(mine["school_id"])
    installation.mis("person", "add", "bob@elm.example", "--name", "Bob", "--school", school, "--purpose", "attendance")
    question = ("metrics", "query", "absence_rate", "--group-by", "school_id", "--as", "bob@elm.example")
    installation.mis(*question, expect=1)
    installation.mis("person", "grant", "bob@elm.example", "--small-groups")
    (answer,) = installation.json(*question)
    assert answer["school__school_id"] == mine["school_id"]
    (of_region,) = installation.json("metrics", "query", "absence_rate", "--group-by", "region_code", *question[-2:])
    assert of_region["absence_rate"] == answer["absence_rate"]  # of a region, what is theirs
    installation.mis("person", "remove", "bob@elm.example")


def test_the_sql_of_a_metric_runs_anywhere(installation: Installation) -> None:
    question = ("metrics", "query", "absence_rate", "--group-by", "weekday")
    statement = installation.mis(*question, "--sql")
    assert json.loads(installation.mis("psql", "--json", "-c", statement)) == [
        {"mark__weekday": row["mark__weekday"], "absence_rate": f"{row['absence_rate']:.6f}"}
        for row in installation.json(*question)
    ]


@pytest.mark.parametrize("where", ["shoe_size = 1", "school_name = Oak", "academic_year ="])
def test_a_condition_that_is_wrong_ends_in_a_sentence(installation: Installation, where: str) -> None:
    installation.mis("metrics", "query", "absence_rate", "--where", where, expect=1)
