"""Whose school, whose pupils, whose names: the page, the file, and the reader who guesses addresses."""

from __future__ import annotations

import csv
import io
import re

import pytest
from conftest import GOVERNOR, HEAD, SLUGS, TRUST, TUTOR, Reports
from markupsafe import escape

from reports.formats import rounded


def surnames(reports: Reports, school: int) -> set[str]:
    with reports.warehouse.connect() as connection:
        rows = connection.execute("select surname from attendance.pupil_name where school_id = %s", [school])
        return {surname for (surname,) in rows}


def pupil_of(reports: Reports, school: int) -> int:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select pupil_key from attendance.pupil_year where school_id = %s and academic_year = 202425"
            " and is_statistical order by absence_rate desc limit 1",
            [school],
        ).fetchone()
        assert row is not None
        return int(row[0])


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.parametrize("slug", [*SLUGS, "pupils.csv"])
@pytest.mark.parametrize("email", [HEAD, TUTOR, GOVERNOR])
def test_another_school_is_not_found_or_not_yours(reports: Reports, email: str, slug: str) -> None:
    with reports.client(email) as client:
        other = client.get(reports.page(slug, reports.primary))
        assert other.status_code == 404
        assert "Not found, or not yours" in other.text
        assert other.text == client.get(reports.page(slug, 999_999)).text  # the answer does not tell which


def test_another_schools_pupil_is_not_found(reports: Reports) -> None:
    key = pupil_of(reports, reports.primary)
    with reports.client(HEAD) as client:
        assert client.get(reports.page(f"pupils/{key}", reports.primary)).status_code == 404
        assert client.get(reports.page(f"pupils/{key}")).status_code == 404


def test_the_chooser_has_the_readers_schools_and_no_others(reports: Reports) -> None:
    with reports.client(TRUST) as client:
        html = client.get("/").text
        assert all(f'href="/schools/{school}/attendance/overview"' in html for school in reports.everything)
    with reports.client(HEAD) as client:
        assert client.get("/").url.path == reports.page("overview")  # one school needs no choosing


def test_comparison_has_the_readers_schools_and_no_others(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        html = client.get("/attendance/compare").text
        assert f"/schools/{reports.secondary}/" in html
        assert f"/schools/{reports.primary}/" not in html


def test_a_neighbour_is_named_to_whose_school_it_is(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select s.school_name, y.attendance_rate from attendance.school s join attendance.school_year y"
            " using (school_id) where s.school_id = %s and y.academic_year = 202425",
            [reports.primary],
        ).fetchone()
    assert row is not None
    name, rate = str(escape(row[0])), f"{rounded(row[1])}%"

    def nearest(email: str) -> str:
        with reports.client(email) as client:
            answer = client.get(reports.page("similar-schools"), params={"year": 202425})
        assert answer.status_code == 200
        line = re.search(r'<th scope="row">No. 1, .*?</tr>', answer.text)
        return line.group(0) if line else ""

    trust = nearest(TRUST)
    assert name in trust
    assert rate in trust
    for email in (HEAD, TUTOR):
        others = nearest(email)
        assert "not one of your schools" in others
        assert name not in others
        assert re.findall(r'<td class="number">(.*?)</td>', others) == ["0.75", *["c"] * 7]
    # To a reader of aggregates the list may be closed; if it is open, it is no more open than to the head.
    assert nearest(GOVERNOR) in ("", nearest(HEAD))


def test_areas_hide_the_schools_small_groups_from_a_reader_of_aggregates(reports: Reports) -> None:
    def cells(email: str) -> dict[str, str]:
        with reports.client(email) as client:
            answer = client.get(reports.page("areas"), params={"year": 202425})
        assert answer.status_code == 200
        of_groups = answer.text.partition('id="groups"')[2]
        return dict(re.findall(r'<th scope="row">([^<]+: [^<]+)</th><td class="number">(.*?)</td>', of_groups))

    head, governor = cells(HEAD), cells(GOVERNOR)
    assert head.keys() == governor.keys()
    assert "c" not in head.values()
    assert "c" in governor.values()
    assert all(governor[group] in ("c", rate) for group, rate in head.items())


def test_the_model_is_open_to_everybody_with_the_purpose(reports: Reports) -> None:
    with reports.client(HEAD) as head, reports.client(GOVERNOR) as governor:
        mine, theirs = (client.get(reports.page("risk")).text for client in (head, governor))
    assert 'id="bins"' in mine
    assert 'id="bins"' in theirs


def test_names_are_for_who_may_see_them(reports: Reports) -> None:
    names = surnames(reports, reports.secondary)
    key = pupil_of(reports, reports.secondary)
    with reports.client(HEAD) as head, reports.client(TUTOR) as tutor:
        for slug in ("pupils", f"pupils/{key}"):
            named, unnamed = head.get(reports.page(slug)), tutor.get(reports.page(slug))
            assert named.status_code == unnamed.status_code == 200
            assert any(f"{name}, " in named.text for name in names)
            assert not any(f"{name}, " in unnamed.text for name in names)
            assert f"Pupil {key}" in unnamed.text
        asked = tutor.get(reports.page("pupils"), params={"name": "a", "sort": "name"})
        assert "Name contains" not in asked.text


def test_the_file_has_the_rights_of_the_page(reports: Reports) -> None:
    with reports.client(HEAD) as head, reports.client(TUTOR) as tutor, reports.client(GOVERNOR) as governor:
        named = csv_rows(head.get(reports.page("pupils.csv")).text)
        unnamed = csv_rows(tutor.get(reports.page("pupils.csv")).text)
        assert {"surname", "forename", "upn"} <= named[0].keys()
        assert not {"surname", "forename", "upn"} & unnamed[0].keys()
        assert [row["pupil_key"] for row in named] != []
        assert sorted(row["pupil_key"] for row in named) == sorted(row["pupil_key"] for row in unnamed)
        assert governor.get(reports.page("pupils.csv")).status_code == 404


def test_the_file_has_the_filters_of_the_page(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        rows = csv_rows(client.get(reports.page("pupils.csv"), params={"band": "persistent", "year_group": "9"}).text)
        assert rows
        assert all(row["year_group"] == "9" and row["band"] == "Persistent" for row in rows)
        assert all(int(row["absence_sessions"]) * 10 >= int(row["possible_sessions"]) for row in rows)


def test_a_reader_of_aggregates_sees_no_pupil(reports: Reports) -> None:
    key = pupil_of(reports, reports.secondary)
    with reports.client(GOVERNOR) as client:
        for slug in ("pupils", f"pupils/{key}"):
            answer = client.get(reports.page(slug))
            assert answer.status_code == 403
            assert "Single pupils are not open to you" in answer.text
        for slug in ("overview", "patterns", "reasons", "groups", "suspensions"):
            answer = client.get(reports.page(slug))
            assert answer.status_code == 200
            assert str(key) not in answer.text


def test_a_reader_of_aggregates_sees_the_schools_totals_unchanged(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select round(attendance_rate, 1), enrolments from attendance.school_year"
            " where school_id = %s and academic_year = 202425",
            [reports.secondary],
        ).fetchone()
    assert row is not None
    for email in (GOVERNOR, HEAD):
        with reports.client(email) as client:
            html = client.get(reports.page("overview")).text
            assert f'<p class="value">{row[0]}%</p>' in html
            assert f"<dd>{row[1]:,}</dd>" in html


def test_a_reader_of_aggregates_sees_how_the_school_compares(reports: Reports) -> None:
    """The same comparisons as the head, and none of them closed."""
    tables = {}
    for email in (GOVERNOR, HEAD):
        with reports.client(email) as client:
            html = client.get(reports.page("overview")).text
        tables[email] = re.findall(r"<details[^>]*><summary>\w[^<]*</summary>.*?</details>", html, flags=re.S)
        assert "not open to you" not in html
        for comparison in ("Own last year, same weeks", "England", "Region", "Local authority", "Similar schools"):
            assert f'<th scope="row">{comparison}</th>' in html
    assert tables[GOVERNOR] == tables[HEAD] != []


def test_a_reader_of_aggregates_sees_the_schools_week_and_no_single_session(reports: Reports) -> None:
    with reports.client(GOVERNOR) as governor, reports.client(HEAD) as head:
        mine, theirs = (client.get(reports.page("patterns")).text for client in (governor, head))
    weeks = [re.findall(r'<figure class="figure" id="week">.*?</figure>', html, flags=re.S) for html in (mine, theirs)]
    assert weeks[0] == weeks[1] != []
    assert 'id="map"' in theirs
    assert 'id="map"' not in mine
    assert "The map of all sessions: not open to you." in mine


def test_small_groups_are_hidden_from_a_reader_of_aggregates(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select group_1 from attendance.group_year where school_id = %s and academic_year = 202425"
            " and group_2 = 'all' and is_suppressed limit 1",
            [reports.secondary],
        ).fetchone()
    assert row is not None, "the sandbox has no small group: make it smaller"
    with reports.client(GOVERNOR) as client, reports.client(HEAD) as head:
        hidden = client.get(reports.page("groups"), params={"group": row[0]}).text
        assert '<td class="number">c</td>' in hidden
        assert "hidden, as in DfE’s tables" in hidden
        assert '<td class="number">c</td>' not in head.get(reports.page("groups"), params={"group": row[0]}).text
