"""What a page says of its figures, that they are the published ones, and what stands where there are none."""

from __future__ import annotations

import re

import pytest
from conftest import HEAD, TRUST, Reports

#: The pages, and the relations of which each has a part.
PARTS = {
    "overview": ("school_comparison",),
    "weekdays": ("school_session",),
    "reasons": (),
    "groups": ("group_year",),
    "pupils": ("pupil_outlook", "alert"),
    "suspensions": ("suspension_year", "exclusion"),
    "registers": ("school_session", "unclassified_code"),
}
SLUGS = tuple(PARTS)


def published_relations(reports: Reports) -> set[str]:
    with reports.warehouse.connect() as connection:
        rows = connection.execute("select viewname from pg_views where schemaname = 'attendance'")
        return {name for (name,) in rows}


@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_says_what_its_figures_are_of(reports: Reports, slug: str) -> None:
    with reports.client(HEAD) as client:
        answer = client.get(reports.page(slug))
    assert answer.status_code == 200
    assert ("not published yet" in answer.text) == (not published_relations(reports).issuperset(PARTS[slug]))
    for said in ("Synthetic data.", "<dt>Period</dt>", "<dt>As at</dt>", "<dt>Release</dt>", "What is hidden:"):
        assert said in answer.text, said
    assert re.search(r"<dt>Release</dt><dd>attendance_\d+, published ", answer.text)


@pytest.mark.parametrize("slug", SLUGS)
def test_every_chart_has_its_numbers(reports: Reports, slug: str) -> None:
    with reports.client(HEAD) as client:
        html = client.get(reports.page(slug)).text
    figures = re.findall(r"<figure.*?</figure>", html, flags=re.S)
    for figure in figures:
        assert figure.count("<svg") == figure.count("<table") == 1
        assert figure.count("<tr>") > 1
        assert re.search(r"<desc[^>]*>[^<]{20,}</desc>", figure)
        assert not re.search(r"\sstyle=", figure)  # the policy would drop it
    assert len(figures) == {"pupils": 0, "groups": 1}.get(slug, 2 if slug != "registers" else 1)


def test_the_overview_shows_the_published_figures(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            """
            select round(attendance_rate, 1), round(absence_rate, 1), round(authorised_rate, 1),
                round(unauthorised_rate, 1), round(persistent_absence_rate, 1), round(severe_absence_rate, 1)
            from attendance.school_year
            where school_id = %s and academic_year = 202324
            """,
            [reports.secondary],
        ).fetchone()
    assert row is not None
    with reports.client(HEAD) as client:
        html = client.get(reports.page("overview"), params={"year": 202324}).text
    assert re.findall(r'<p class="value">([\d.]+)%</p>', html) == [str(value) for value in row]


def test_comparison_sums_first_and_divides_last(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            """
            select round(100 * sum(attended_sessions)::numeric / sum(possible_sessions), 1)
            from attendance.school_year where academic_year = 202425
            """
        ).fetchone()
    assert row is not None
    with reports.client(TRUST) as client:
        html = client.get("/attendance/compare", params={"year": 202425}).text
    together = re.search(r'<tr class="total">.*?</tr>', html, flags=re.S)
    assert together is not None
    assert f"{row[0]}%" in together.group(0)


@pytest.mark.parametrize(
    ("slug", "query"),
    [
        ("overview", "year=9999"),
        ("overview", "year=x'--"),
        ("groups", "group=nonsense&with=all&measure=1"),
        ("pupils", "page=99999999999999999999&sort=x&band=y&year_group=z"),
        ("pupils", "page=-1"),
        ("pupils", "name=%3Cscript%3Ealert(1)%3C/script%3E"),
    ],
)
def test_a_nonsensical_query_is_a_page_all_the_same(reports: Reports, slug: str, query: str) -> None:
    with reports.client(HEAD) as client:
        answer = client.get(f"{reports.page(slug)}?{query}")
    assert answer.status_code == 200
    assert "<script" not in answer.text


def test_a_relation_that_is_not_published_is_said_and_nothing_fails(reports: Reports) -> None:
    parts = [(relation, slug) for slug, relations in PARTS.items() for relation in relations]
    there = published_relations(reports)
    with reports.warehouse.connect(autocommit=True) as connection, reports.client(HEAD) as client:
        for relation, slug in parts:
            if relation not in there:
                continue
            connection.execute(f"alter view attendance.{relation} rename to away")
            try:
                answer = client.get(reports.page(slug))
            finally:
                connection.execute(f"alter view attendance.away rename to {relation}")
            assert answer.status_code == 200, relation
            assert "not published yet" in answer.text, relation


def test_every_group_can_be_chosen_and_crossed(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        html = client.get(reports.page("groups")).text
        offered = re.search(r'<select id="group".*?</select>', html, flags=re.S)
        assert offered is not None
        groups = re.findall(r'value="(\w+)"', offered.group(0))
        assert {"year_group", "sex", "disadvantaged", "sen", "ethnicity"} <= set(groups)
        for group in groups:
            other = "sex" if group != "sex" else "year_group"
            answer = client.get(
                reports.page("groups"), params={"group": group, "with": other, "measure": "absence_rate"}
            )
            assert answer.status_code == 200
            assert 'id="crossing"' in answer.text
