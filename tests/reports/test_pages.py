"""What a page says of its figures, that they are the published ones, and what stands where there are none."""

from __future__ import annotations

import re

import pytest
from conftest import COUNTY, HEAD, SLUGS, TRUST, Reports
from markupsafe import escape

#: The pages, and the relations of which each has a part.
PARTS = {
    "overview": ("school_comparison",),
    "patterns": ("school_pattern", "school_session"),
    "reasons": (),
    "groups": ("group_year",),
    "pupils": ("pupil_outlook", "alert"),
    "suspensions": ("suspension_year", "exclusion"),
    "registers": ("school_session", "unclassified_code"),
    "similar-schools": ("similar_school", "school_comparison"),
    "areas": ("published_rate", "area_year", "area_group_year"),
    "risk": ("risk_model", "risk_reliability", "risk_model_coefficient"),
}
#: Charts on a page.
FIGURES = {
    "overview": 2,
    "patterns": 3,
    "reasons": 2,
    "groups": 1,
    "pupils": 0,
    "suspensions": 2,
    "registers": 1,
    "similar-schools": 1,
    "areas": 1,
    "risk": 1,
}


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
    assert len(figures) == FIGURES[slug]


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


def test_comparison_has_fifty_schools_a_page_and_totals_over_all(reports: Reports, county: list[int]) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select enrolments from attendance.school_year where school_id = %s and academic_year = 202425",
            [reports.secondary],
        ).fetchone()
    assert row is not None
    schools = len(county) + 1
    with reports.client(COUNTY) as client:
        pages = [
            client.get("/attendance/compare", params={"year": 202425, "phase": "Secondary", "page": page}).text
            for page in (1, 2, 3)
        ]
    found = [re.findall(r"/schools/(\d+)/attendance/overview", html) for html in pages]
    assert [len(page) for page in found] == [50, schools - 50, schools - 50]  # there is no third: the last is shown
    assert {*found[0], *found[1]} == {str(school) for school in (reports.secondary, *county)}
    for html in pages:
        assert f'All {schools} together</th><td class="number">{schools * row[0]:,}</td>' in html
        assert f"{schools} schools, page " in html
    assert '<a rel="next" href="?year=202425&amp;phase=Secondary&amp;page=2#list">' in pages[0]
    assert 'rel="next"' not in pages[1]
    assert '<a rel="prev" href="?year=202425&amp;phase=Secondary&amp;page=1#list">' in pages[1]


def test_the_chooser_has_fifty_schools_a_page_and_searches_all(reports: Reports, county: list[int]) -> None:
    with reports.client(COUNTY) as client:
        pages = [client.get("/attendance", params={"page": page}).text for page in (1, 2)]
        wanted = client.get("/attendance", params={"name": f" {county[-1]}"}).text
    found = [re.findall(r"/schools/(\d+)/attendance/overview", html) for html in pages]
    assert [len(page) for page in found] == [50, len(county) + 1 - 50]
    assert not set(found[0]) & set(found[1])
    assert re.findall(r"/schools/(\d+)/attendance/overview", wanted) == [str(county[-1])]


def test_patterns_are_the_published_ones(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        rows = connection.execute(
            "select value, round(absence_rate, 1) from attendance.school_pattern where school_id = %s"
            " and academic_year = 202425 and pattern in ('weekday', 'end of half term')",
            [reports.secondary],
        ).fetchall()
    assert len(rows) == 7
    with reports.client(HEAD) as client:
        html = client.get(reports.page("patterns"), params={"year": 202425}).text
    names = {"last 5 school days": "Last 5 school days of a half-term", "the rest": "All other days"}
    for value, rate in rows:
        cells = re.search(rf'<th scope="row">{names.get(value, value)}</th>(.*?)</tr>', html)
        assert cells is not None
        assert f'<td class="number">{rate}%</td>' in cells.group(1), value


def test_areas_have_the_published_figure_and_the_size_of_the_pool(reports: Reports) -> None:
    with reports.warehouse.connect() as connection:
        row = connection.execute(
            "select round(absence_rate, 1), release from attendance.published_rate"
            " where area_level = 'England' and academic_year = 202425 and phase = 'Primary'"
        ).fetchone()
    assert row is not None
    rate, release = row
    with reports.client(TRUST) as client:
        html = client.get(reports.page("areas"), params={"year": 202425, "phase": "Primary"}).text
    line = re.search(r'<th scope="row">England</th>(.*?)</tr>', html)
    assert line is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", line.group(1))
    # One primary school is here: its figure is hidden as the pool's, even from who may see the school itself.
    assert (cells[0], cells[2], cells[3], cells[4]) == (f"{rate}%", release, "c", "1")


def test_the_risk_says_what_was_foretold_and_what_came(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        html = client.get(reports.page("risk")).text
    cells = [
        re.findall(r"<t[dh][^>]*>(.*?)</t", line)
        for line in re.findall(r"<tr>(.*?)</tr>", html)
        if ">30% to under 40%<" in line or ">80% to under 90%<" in line
    ]
    assert cells == [
        ["30% to under 40%", "100", "400", "35.0%", "36.0%", "+1.0 pp"],
        ["80% to under 90%", "4", "400", "85.0%", "c", "c"],  # four pupils
    ]
    parts = re.findall(r"Part of the year: (\w+) third", html)
    assert parts == ["First", "Second", "Last"]


def test_without_a_risk_model_its_page_says_why_and_shows_no_figure(reports: Reports) -> None:
    reason = "Too few pupils: 12 of 200."
    with reports.warehouse.connect() as connection, reports.client(HEAD) as client:
        connection.execute("create table public.kept as select * from attendance.risk_reliability")
        connection.execute("delete from attendance.risk_reliability")
        connection.execute("update attendance.risk_model set reason = %s", [reason])
        connection.commit()
        try:
            answer = client.get(reports.page("risk"))
        finally:
            connection.execute("insert into attendance.risk_reliability select * from public.kept")
            connection.execute("update attendance.risk_model set reason = null")
            connection.execute("drop table public.kept")
            connection.commit()
    assert answer.status_code == 200
    assert reason in answer.text
    assert "<figure" not in answer.text


@pytest.mark.parametrize(
    ("slug", "query"),
    [
        ("overview", "year=9999"),
        ("overview", "year=x'--"),
        ("groups", "group=nonsense&with=all&measure=1"),
        ("pupils", "page=99999999999999999999&sort=x&band=y&year_group=z"),
        ("pupils", "page=-1"),
        ("areas", "phase=x&measure=severe_absence_rate&year=202223"),
        ("areas", "phase=Special&measure='"),
        ("risk", "test=nonsense"),
        ("pupils", "name=%3Cscript%3Ealert(1)%3C/script%3E"),
    ],
)
def test_a_nonsensical_query_is_a_page_all_the_same(reports: Reports, slug: str, query: str) -> None:
    with reports.client(HEAD) as client:
        answer = client.get(f"{reports.page(slug)}?{query}")
    assert answer.status_code == 200
    assert "<script" not in answer.text


def test_a_name_is_shown_as_it_is_and_never_as_markup(reports: Reports) -> None:
    odd = "Aaa <script>alert('1')</script> \u05e9\u05d9\u05e8\u05d4 e\u0301 O'Neill & \"Co\" {{ 7 * 7 }}"
    with reports.warehouse.connect(autocommit=True) as connection, reports.client(HEAD) as client:
        row = connection.execute(
            "select pupil_key, surname from attendance.pupil_name"
            " inner join attendance.pupil_year using (school_id, pupil_key)"
            " where school_id = %s order by academic_year desc, surname limit 1",
            [reports.secondary],
        ).fetchone()
        assert row is not None
        change = "update attendance.pupil_name set surname = %s where school_id = %s and pupil_key = %s"
        connection.execute(change, [odd, reports.secondary, row[0]])
        try:
            pages = [
                client.get(f"{reports.page('pupils')}?sort=name").text,
                client.get(f"{reports.page('pupils')}/{row[0]}").text,
            ]
        finally:
            connection.execute(change, [row[1], reports.secondary, row[0]])
    for page in pages:
        assert str(escape(odd)) in page
        assert "<script" not in page


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
