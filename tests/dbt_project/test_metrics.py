"""The semantic layer: every metric is what the marts and hand-written SQL say, by whatever it is asked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from raw_rows import pupil, put, school

from orchestration.dbt.project import semantic_manifest_path
from orchestration.ingest.categories import Purpose
from orchestration.semantic.layer import MetricError, SemanticLayer
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.publishing import publish

Rows = list[tuple[Any, ...]]
Ask = Callable[..., Rows]

#: Two years of 40 school days each; whom a mark belongs to and the day decide its code.
_MARKS = """
insert into raw.attendance_mark (school_id, pupil_id, mark_date, session, code, extract_id)
select p.school_id, p.pupil_id, d.day::date, s.session,
       case
           when h.n < 3 + p.likely then 'I'
           when h.n < 5 + p.likely then 'O'
           when h.n < 7 + p.likely then 'L'
           when h.n < 8 + p.likely then 'U'
           when h.n < 10 + p.likely then 'B'
           when h.n < 11 + p.likely then 'X'
           else case s.session when 'AM' then '/' else E'\\\\' end
       end,
       1
from (select *, mod(('x' || substr(md5(pupil_id), 1, 4))::bit(16)::int, 3) * 12 as likely from raw.pupil) p
cross join (
    select generate_series('2023-11-06'::timestamp, '2023-12-29', '1 day') as day
    union all
    select generate_series('2025-05-05'::timestamp, '2025-06-27', '1 day')
) d
cross join (values ('AM'), ('PM')) s (session)
cross join lateral (
    select mod(('x' || substr(md5(p.pupil_id || d.day || s.session), 1, 6))::bit(24)::int, 100) as n
) h
where extract(isodow from d.day) <= 5
"""


@pytest.fixture(scope="module")
def connection(module_warehouse: Warehouse, dbt: Any) -> Iterator[psycopg.Connection[Any]]:
    """Two schools of 24 pupils each, of ages within and beyond those that count, built and published.

    They are of two authorities in one region; one is in a trust.
    """
    with module_warehouse.connect(autocommit=True) as opened:
        for name, phase, la_code, urn in (("Oak", "PRIMARY", "850", 199000), ("Elm", "SECONDARY", "851", None)):
            school_id = school(opened, name, phase)
            opened.execute(
                "update ops.school set la_code = %s, urn = %s where school_id = %s", [la_code, urn, school_id]
            )
            for number in range(24):
                pupil_id = f"{name}{number}"
                born = f"{2007 + number % 8}-10-01"
                pupil(opened, school_id, pupil_id, person_id=pupil_id, date_of_birth=born, sex="FM"[number % 2])
                if number % 4 != 3:  # of a quarter nothing is known
                    put(
                        opened,
                        "pupil_demographics",
                        school_id=school_id,
                        pupil_id=pupil_id,
                        fsm=number % 4 == 0,
                        sen_status="NKE"[number % 3],
                        enrolment_status="C",
                        extract_id=1,
                    )
            for number in range(5):
                put(
                    opened,
                    "exclusion",
                    school_id=school_id,
                    exclusion_id=str(number),
                    pupil_id=f"{name}{number}",
                    type_code="PERM" if number == 4 else "SUSP",
                    start_date="2025-05-06",
                    sessions=2,
                    extract_id=1,
                )
        opened.execute(_MARKS.encode())
        dbt("build", "--exclude-resource-type", "unit_test", "--select", "+marts.attendance")
        publish(opened, Purpose.ATTENDANCE, "run")
        yield opened


@pytest.fixture(scope="module")
def layer(connection: psycopg.Connection[Any], dbt_home: Path) -> SemanticLayer:
    """The layer as the build of the connection's fixture left its manifest."""
    return SemanticLayer(json.loads(semantic_manifest_path(Settings(home=dbt_home)).read_text()))


@pytest.fixture(scope="module")
def ask(connection: psycopg.Connection[Any], layer: SemanticLayer) -> Ask:
    def answer(*metrics: str, by: tuple[str, ...] = (), **options: Any) -> Rows:
        return connection.execute(layer.sql(metrics, by, **options).encode()).fetchall()

    return answer


BY_SCHOOL_AND_YEAR = ("school_id", "academic_year")


@pytest.mark.parametrize(
    ("metric", "column"),
    [
        ("possible_sessions", "possible_sessions"),
        ("attended_sessions", "attended_sessions"),
        ("absence_sessions", "absence_sessions"),
        ("authorised_sessions", "authorised_sessions"),
        ("unauthorised_sessions", "unauthorised_sessions"),
        ("late_sessions", "late_sessions"),
        ("enrolments", "enrolments"),
        ("persistently_absent_enrolments", "persistently_absent_enrolments"),
        ("severely_absent_enrolments", "severely_absent_enrolments"),
        ("attendance_rate", "attendance_rate"),
        ("absence_rate", "absence_rate"),
        ("authorised_absence_rate", "authorised_rate"),
        ("unauthorised_absence_rate", "unauthorised_rate"),
        ("persistent_absence_rate", "persistent_absence_rate"),
        ("severe_absence_rate", "severe_absence_rate"),
    ],
)
def test_a_metric_is_the_marts_own_column(
    connection: psycopg.Connection[Any], ask: Ask, metric: str, column: str
) -> None:
    """To the last of six places."""
    expected = connection.execute(
        f"select school_id, academic_year, {column} from attendance.school_year order by 1, 2".encode()
    ).fetchall()
    assert len(expected) == 4
    assert ask(metric, by=BY_SCHOOL_AND_YEAR) == expected


def test_every_metric_is_compared_or_counted_by_hand(layer: SemanticLayer) -> None:
    """One that is added wants its line here; those of estimates have theirs in test_estimates.py."""
    exclusions = {"suspensions", "permanent_exclusions", "pupils_on_roll", "suspensions_per_100_pupils"}
    mark = next(mark for mark in test_a_metric_is_the_marts_own_column.pytestmark if mark.name == "parametrize")
    estimates = {
        f"{name}{level}"
        for name in ("estimates", "expected_points", "mean_expected_points")
        for level in ("", "_20", "_5")
    }
    assert {metric.name for metric in layer.metrics()} == {name for name, _ in mark.args[1]} | exclusions | estimates


@pytest.mark.parametrize(
    "metric",
    [
        "possible_sessions",
        "attended_sessions",
        "absence_sessions",
        "authorised_sessions",
        "unauthorised_sessions",
        "late_sessions",
        "attendance_rate",
        "absence_rate",
        "authorised_absence_rate",
        "unauthorised_absence_rate",
    ],
)
def test_sessions_one_by_one_make_the_year(layer: SemanticLayer, ask: Ask, metric: str) -> None:
    """A dimension of sessions takes the finer metric, whose sum over the year is the year's: the year 11 rule, too."""
    everything = ["session in ('AM', 'PM')"]
    assert "attendance.session" in layer.sql([metric], BY_SCHOOL_AND_YEAR, where=everything)
    assert "attendance.session" not in layer.sql([metric], BY_SCHOOL_AND_YEAR)
    assert ask(metric, by=BY_SCHOOL_AND_YEAR, where=everything) == ask(metric, by=BY_SCHOOL_AND_YEAR)


def test_a_pupil_group_is_what_sql_by_hand_says(connection: psycopg.Connection[Any], ask: Ask) -> None:
    expected = connection.execute(
        """
        select p.is_fsm,
               round(100 * sum(y.absence_sessions)::numeric / sum(y.possible_sessions), 6),
               round(100 * count(*) filter (where y.is_persistently_absent)::numeric / count(*), 6)
        from attendance.pupil_year as y
        inner join attendance.pupil as p using (school_id, pupil_key)
        where y.is_statistical and y.possible_sessions > 0 and y.academic_year = 202425
        group by p.is_fsm
        order by p.is_fsm
        """
    ).fetchall()
    assert [group for group, *_ in expected] == [False, True, None]
    found = ask("absence_rate", "persistent_absence_rate", by=("is_fsm",), where=["academic_year = 202425"])
    assert found == expected


TRUST = "North Moor Learning Trust (synthetic)"


@pytest.mark.parametrize(
    ("dimensions", "areas"),
    [
        (("la_code", "la_name"), [("850", "Hampshire"), ("851", "Portsmouth")]),
        (("region_code", "region_name"), [("E12000008", "South East")]),
        (("trust_uid", "trust_name"), [("990001", TRUST), (None, None)]),
    ],
)
def test_an_area_is_its_schools_together(
    connection: psycopg.Connection[Any], ask: Ask, dimensions: tuple[str, str], areas: Rows
) -> None:
    """Summed first and divided last, of years and of sessions one by one; a school without a trust is in none."""
    names = ", ".join(dimensions)
    expected = connection.execute(
        f"""
        select {names}, round(100 * sum(absence_sessions)::numeric / sum(possible_sessions), 6)
        from attendance.school_year
        inner join attendance.school using (school_id)
        where academic_year = 202425
        group by {names}
        order by {names}
        """.encode()
    ).fetchall()
    assert [(code, name) for code, name, _ in expected] == areas
    this_year = "academic_year = 202425"
    assert ask("absence_rate", by=dimensions, where=[this_year]) == expected
    assert ask("absence_rate", by=dimensions, where=[this_year, "session in ('AM', 'PM')"]) == expected


def test_weeks_are_the_marts_weeks(connection: psycopg.Connection[Any], ask: Ask) -> None:
    expected = connection.execute(
        "select school_id, week_start, absence_rate from attendance.school_week order by 1, 2"
    ).fetchall()
    assert len(expected) == 32
    assert ask("absence_rate", by=("school_id", "week_start")) == expected
    assert ask("absence_rate", by=("school_id", "metric_time__week")) == expected


def test_weekday_and_session_are_what_sql_by_hand_says(connection: psycopg.Connection[Any], ask: Ask) -> None:
    expected = connection.execute(
        """
        select extract(isodow from s.session_date)::int, s.session,
               round(100 * count(*) filter (where s.is_absence)::numeric / count(*) filter (where s.is_possible), 6)
        from attendance.session as s
        inner join attendance.pupil_year as y using (school_id, pupil_key, academic_year)
        where y.is_statistical and s.session_date <= y.counted_until
        group by 1, 2
        order by 1, 2
        """
    ).fetchall()
    assert len(expected) == 10
    assert ask("absence_rate", by=("weekday", "session")) == expected


def test_exclusions_are_counted_by_hand(ask: Ask) -> None:
    """Three and a half in 24 for each school; pupils of whom no exclusion is known are on roll all the same."""
    found = ask(
        "suspensions",
        "permanent_exclusions",
        "pupils_on_roll",
        "suspensions_per_100_pupils",
        by=("school_name",),
        where=["academic_year = 202425"],
    )
    rate = Decimal("16.666667")
    assert found == [("Elm", 4, 1, 24, rate), ("Oak", 4, 1, 24, rate)]
    assert ask("suspensions", by=("metric_time__month",))[0][1] == 8


def test_a_filter_is_on_what_is_not_shown_as_well(ask: Ask) -> None:
    by_name = ask("attendance_rate", by=("academic_year",), where=["school_name = 'Oak'"])
    by_school = ask("attendance_rate", by=("school_name", "academic_year"))
    assert by_name == [(year, rate) for name, year, rate in by_school if name == "Oak"]
    both = ask("attendance_rate", by=("academic_year",), where=["school_name = 'Oak'", "academic_year = 202425"])
    assert both == by_name[1:]


def test_words_in_quotes_and_metricflows_own_templates_are_left_alone(ask: Ask) -> None:
    assert ask("attendance_rate", where=["school_name = 'is_fsm or sex'"]) == [(None,)]
    assert ask(
        "attendance_rate", where=["{{ Dimension('school__school_name') }} = 'Oak' and sex in ('F', 'M')"]
    ) == ask("attendance_rate", where=["school_name = 'Oak'"])


def test_the_order_and_the_number_of_rows_can_be_asked_for(ask: Ask) -> None:
    weeks = ask("absence_rate", by=("metric_time__week",))
    highest = ask("absence_rate", by=("metric_time__week",), order_by=["-absence_rate"], limit=3)
    assert highest == sorted(weeks, key=lambda row: row[1], reverse=True)[:3]


def test_without_dimensions_it_is_one_figure(connection: psycopg.Connection[Any], ask: Ask) -> None:
    expected = connection.execute(
        "select round(100 * sum(absence_sessions)::numeric / sum(possible_sessions), 6) from attendance.school_year"
    ).fetchall()
    assert ask("absence_rate") == expected


@pytest.mark.parametrize(
    ("metrics", "by", "told"),
    [
        ([], [], "at least one metric"),
        (["atendance_rate"], [], r"no metric atendance_rate\. Did you mean attendance_rate"),
        (["daily_attendance_rate"], [], "no metric daily_attendance_rate"),
        (
            ["absence_rate"],
            ["is_fms"],
            r"no dimension is_fms\. Did you mean is_fsm.*absence_rate can be asked by: .*sex",
        ),
        (["absence_rate"], ["zzz"], r"no dimension zzz\. absence_rate can be asked by"),
        (["persistent_absence_rate"], ["weekday"], "persistent_absence_rate cannot be asked by weekday"),
        (["persistent_absence_rate"], ["metric_time"], "persistent_absence_rate cannot be asked by metric_time"),
        (["absence_rate", "severe_absence_rate"], ["session"], "severe_absence_rate cannot be asked by session"),
        (["suspensions_per_100_pupils"], ["metric_time__week"], "suspensions_per_100_pupils cannot be asked by"),
    ],
)
def test_what_cannot_be_answered_says_what_can(
    layer: SemanticLayer, metrics: list[str], by: list[str], told: str
) -> None:
    with pytest.raises(MetricError, match=told):
        layer.sql(metrics, by)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"where": ["weekday = 1"]}, "cannot be asked by weekday"),
        ({"where": ["{{ Dimension('pupil__shoe_size') }} = 1"]}, "pupil__shoe_size"),
        ({"where": ["{{ Dimension( }} = 1"]}, "."),
        ({"order_by": ["sex"]}, "no sex to order it by, only persistent_absence_rate"),
    ],
)
def test_a_condition_or_an_order_that_cannot_be_is_refused(
    layer: SemanticLayer, options: dict[str, list[str]], told: str
) -> None:
    with pytest.raises(MetricError, match=told):
        layer.sql(["persistent_absence_rate"], **options)


def test_every_metric_and_dimension_is_described(layer: SemanticLayer) -> None:
    for metric in layer.metrics():
        assert metric.label
        assert metric.description, metric.name
        for dimension in layer.dimensions([metric.name]):
            assert dimension.description, dimension.name


def test_the_same_dimensions_are_offered_as_are_answered(ask: Ask, layer: SemanticLayer) -> None:
    for metric in ("absence_rate", "persistent_absence_rate", "suspensions"):
        for dimension in layer.dimensions([metric]):
            assert ask(metric, by=(dimension.name,)), dimension.name


def test_only_published_relations_are_read(layer: SemanticLayer, connection: psycopg.Connection[Any]) -> None:
    for metric in layer.metrics():
        read = set(re.findall(r"(?:FROM|JOIN)\s+(\w+)\.\w+", layer.sql([metric.name])))
        assert read == {"benchmarks" if "estimate" in metric.name or "points" in metric.name else "attendance"}, (
            metric.name
        )
    left = connection.execute("select count(*) from pg_class where relnamespace = 'build_attendance'::regnamespace")
    assert left.fetchone() == (0,)


def test_nothing_is_asked_of_anybody_else(connection: psycopg.Connection[Any], layer: SemanticLayer) -> None:
    """No part of it opens a connection, nor loads the command line that asks for newer versions."""
    program = f"""
import json, socket, sys
def refuse(*given): raise AssertionError(f"a connection to {{given}}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from orchestration.semantic.layer import SemanticLayer
layer = SemanticLayer(json.loads({json.dumps(json.dumps(layer._manifest))}))
layer.sql(["absence_rate", "enrolments"], ["is_fsm"])
layer.dimensions(["absence_rate"])
print([name for name in sys.modules if name.startswith(("dbt_metricflow", "update_checker", "snowplow"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
