"""Estimates, targets and the student explorer as people meet them: whose figures, whose pupils, and the forms."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import HEAD, Reports
from playwright.sync_api import Page, expect
from target_staff import COUNSELLOR, DEPUTY, MATHS, SUBJECT_LEAD, TEACHER, TRUSTEE, UNNAMED

from reports.benchmarks import PAGES
from reports.formats import percent, rounded

SignIn = Callable[[str], Page]
OF_ALL = ("subjects", "groups", "calibration")
OF_PUPILS = ("targets", "pupils", "policies", f"subjects/pupils?{MATHS}")


@pytest.fixture
def no_targets(reports: Reports) -> Iterator[None]:
    """The school's log of targets and policies is empty before and after."""

    def empty() -> None:
        with reports.warehouse.connect(autocommit=True) as connection:
            # The log refuses to be rewritten, by anybody but the owner of the tables in a test.
            connection.execute("set session_replication_role = replica")
            connection.execute("delete from targets.target_entry")
            connection.execute("delete from targets.policy_entry")

    empty()
    yield
    empty()


def page(reports: Reports, slug: str, school: int | None = None) -> str:
    return f"/schools/{school or reports.secondary}/benchmarks/{slug}"


def rows(reports: Reports, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    with reports.warehouse.connect() as connection:
        return connection.execute(query.encode(), {"school": reports.secondary, **parameters}).fetchall()


def pupils_of_maths(reports: Reports) -> list[int]:
    """Keys of Year 11 pupils with an estimate in mathematics, in the order of the class sheet."""
    found = rows(
        reports,
        "select n.pupil_key from benchmarks.pupil_name n join benchmarks.pupil p using (school_id, pupil_key)"
        " join benchmarks.pupil_subject s using (school_id, pupil_key) where n.school_id = %(school)s"
        " and p.nc_year = '11' and s.qualification = 'GCSE' and s.subject = 'Mathematics' and s.basis_key is not null"
        " order by n.surname, n.forename, n.pupil_key",
    )
    return [key for (key,) in found]


def log(reports: Reports, pupil_key: int) -> list[tuple[Any, ...]]:
    return rows(
        reports,
        "select version, act, status, grade, set_by, comment from targets.target_entry"
        " where school_id = %(school)s and pupil_key = %(pupil)s order by version",
        pupil=pupil_key,
    )


def form_token(client: httpx.Client, address: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(address).text)
    assert found is not None
    return found.group(1)


def send(client: httpx.Client, reports: Reports, act: str, **fields: object) -> httpx.Response:
    address = page(reports, f"subjects/pupils?{MATHS}")
    return client.post(address, data={"form_token": form_token(client, address), "act": act, **fields})


def cells(text: str, name: str) -> list[str]:
    """The cells of the first table row that begins with a name."""
    found = re.search(rf'<tr><th scope="row">{re.escape(html.escape(name))}</th>(.*?)</tr>', text, flags=re.S)
    assert found is not None, name
    return re.findall(r"<td[^>]*>(.*?)</td>", found.group(1))


# What is shown, and to whom


@pytest.mark.parametrize("slug", [each.path or each.slug for each in PAGES if not each.is_of_pupils])
@pytest.mark.parametrize("email", [DEPUTY, TRUSTEE])
def test_figures_are_open_to_who_may_read_estimates(reports: Reports, email: str, slug: str) -> None:
    with reports.client(email) as client:
        answer = client.get(page(reports, slug))
    assert answer.status_code == 200
    assert "not published yet" not in answer.text
    for said in ("Synthetic data.", "<dt>Release</dt>", "What is hidden:"):
        assert said in answer.text


@pytest.mark.parametrize("slug", OF_PUPILS)
def test_pupils_are_for_who_may_see_them(reports: Reports, slug: str) -> None:
    with reports.client(DEPUTY) as client:
        answer = client.get(page(reports, slug))
        assert answer.status_code == 200, answer.text
        assert "not published yet" not in answer.text
    with reports.client(TRUSTEE) as client:
        refused = client.get(page(reports, slug))
        assert refused.status_code == 403
        assert "Single pupils are not open to you" in refused.text


@pytest.mark.parametrize("slug", [*OF_ALL, *OF_PUPILS, "pupils/1"])
@pytest.mark.parametrize("email", [DEPUTY, TRUSTEE])
def test_another_school_is_not_found_or_not_yours(reports: Reports, email: str, slug: str) -> None:
    with reports.client(email) as client:
        other = client.get(page(reports, slug, reports.primary))
        assert other.status_code == 404
        assert other.text == client.get(page(reports, slug, 999_999)).text


def test_a_purpose_that_is_not_granted_is_not_found(reports: Reports) -> None:
    with reports.client(HEAD) as client:
        assert client.get(page(reports, "subjects")).status_code == 404
        assert "Estimates and targets" not in client.get(reports.page("overview")).text
    with reports.client(TEACHER) as client:
        assert client.get("/").url.path == page(reports, "subjects")
        assert client.get(reports.page("overview")).status_code == 404
    with reports.client(DEPUTY) as client:
        assert page(reports, "subjects") in client.get(reports.page("overview")).text


def test_the_subjects_show_the_published_figures(reports: Reports) -> None:
    found = rows(
        reports,
        "select challenge, pupils, mean_points from benchmarks.subject_summary_exact where school_id = %(school)s"
        " and year_group = '11' and subject = 'Mathematics' and source = 'estimate' and population = 'estimated'"
        " order by challenge desc",
    )
    assert [level for level, _, _ in found] == [50, 20, 5]
    with reports.client(DEPUTY) as client:
        text = client.get(page(reports, "subjects?year_group=11")).text
    assert cells(text, "Mathematics (GCSE)") == [str(found[0][1]), *(str(rounded(mean, 2)) for _, _, mean in found)]


def test_the_groups_show_the_published_figures(reports: Reports) -> None:
    found = rows(
        reports,
        "select attainment8 from benchmarks.group_summary_exact where school_id = %(school)s and year_group = '11'"
        " and group_name = 'all' and source = 'estimate' and population = 'estimated' order by challenge desc",
    )
    with reports.client(DEPUTY) as client:
        text = client.get(page(reports, "groups?year_group=11")).text
    assert cells(text, "Whole year group")[1:] == [str(rounded(value)) for (value,) in found]


def test_small_figures_are_hidden_from_readers_of_aggregates(reports: Reports) -> None:
    small = rows(
        reports,
        "select qualification, subject, year_group from benchmarks.subject_summary where school_id = %(school)s"
        " and is_suppressed and challenge = 50 and population = 'estimated' limit 1",
    )
    assert small, "the sandbox has a subject of fewer than six pupils"
    qualification, subject, year_group = small[0]
    address = page(reports, f"subjects?year_group={year_group}")
    with reports.client(TRUSTEE) as client:
        assert set(cells(client.get(address).text, f"{subject} ({qualification})")) == {"c"}
    with reports.client(DEPUTY) as client:
        assert "c" not in cells(client.get(address).text, f"{subject} ({qualification})")


def test_the_class_sheet_shows_the_chance_of_each_grade(reports: Reports) -> None:
    key = pupils_of_maths(reports)[0]
    ((grade, grades, chances),) = rows(
        reports,
        "select estimate_grade, grades, chances from benchmarks.estimate where school_id = %(school)s"
        " and pupil_key = %(pupil)s and subject = 'Mathematics' and challenge = 20",
        pupil=key,
    )
    with reports.client(UNNAMED) as client:
        text = client.get(page(reports, f"subjects/pupils?{MATHS}&level=20")).text
    row = next(each for each in re.findall(r"<tr>.*?</tr>", text, flags=re.S) if f">Pupil {key}</a>" in each)
    shown = [re.sub(r"<[^>]+>", "", each) for each in re.findall(r'<td class="number"[^>]*>(.*?)</td>', row)]
    exact = [chance - better for chance, better in zip(chances, [*chances[1:], 0.0], strict=True)]
    expected = [
        f"{'Estimate: ' if each == grade else ''}{percent(100 * chance, 0)}"
        for each, chance in reversed(list(zip(grades, exact, strict=True)))
    ]
    assert shown[1 : 1 + len(grades)] == expected


def test_names_are_for_who_may_see_them(reports: Reports) -> None:
    surname = rows(reports, "select surname from benchmarks.pupil_name where school_id = %(school)s limit 1")[0][0]
    key = pupils_of_maths(reports)[0]
    ((mine, upn),) = rows(
        reports,
        "select surname, upn from benchmarks.pupil_name where school_id = %(school)s and pupil_key = %(pupil)s",
        pupil=key,
    )
    with reports.client(UNNAMED) as client:
        for slug in (*OF_PUPILS, f"pupils/{key}"):
            text = client.get(page(reports, slug)).text
            assert html.escape(mine) not in text
            assert html.escape(surname) not in text
            assert upn not in text
    with reports.client(TEACHER) as client:
        assert upn in client.get(page(reports, f"pupils/{key}")).text


def test_special_categories_are_for_who_may_see_them(reports: Reports) -> None:
    key, value = rows(
        reports,
        "select pupil_key, value from benchmarks.student_explorer_special"
        " where school_id = %(school)s and section = 'ethnicity' and value ~ 'Indian|Pakistani|African|Caribbean'"
        " limit 1",
    )[0]
    with reports.client(COUNSELLOR) as client:
        assert html.escape(value) in client.get(page(reports, f"pupils/{key}")).text
    with reports.client(DEPUTY) as client:
        text = client.get(page(reports, f"pupils/{key}")).text
    assert "it needs the right to special categories" in text
    assert html.escape(value) not in text


def test_the_explorer_has_what_is_known_of_a_pupil(reports: Reports) -> None:
    key = pupils_of_maths(reports)[0]
    found = rows(
        reports,
        "select section, item, value from benchmarks.student_explorer where school_id = %(school)s"
        " and pupil_key = %(pupil)s and section in ('prior attainment', 'attendance', 'group', 'school')",
        pupil=key,
    )
    assert {section for section, _, _ in found} == {"prior attainment", "attendance", "group", "school"}
    with reports.client(TEACHER) as client:
        text = client.get(page(reports, f"pupils/{key}")).text
    for _, item, value in found:
        assert html.escape(item) in text
        assert html.escape(value) in text
    assert "Chance of each grade" in text


def test_a_pupil_of_another_school_is_not_found(reports: Reports) -> None:
    ((key,),) = rows(
        reports, "select pupil_key from benchmarks.pupil where school_id = %(other)s limit 1", other=reports.primary
    )
    with reports.client(TEACHER) as client:
        assert client.get(page(reports, f"pupils/{key}")).status_code == 404
        assert client.get(page(reports, f"pupils/{key}", reports.primary)).status_code == 404


# Forms


@pytest.mark.usefixtures("no_targets")
def test_a_target_goes_from_a_teacher_to_the_lock(reports: Reports) -> None:
    first, second = pupils_of_maths(reports)[:2]
    with reports.client(TEACHER) as client:
        done = send(
            client, reports, "propose", **{f"grade-{first}": "7", f"version-{first}": 0, f"version-{second}": 0}
        )
        assert done.status_code == 200
        assert "1 target proposed." in done.text
        own = send(client, reports, "approve", **{f"pick-{first}": "yes", f"version-{first}": 1})
        assert own.status_code == 409
    for email, act, version, said in (
        (SUBJECT_LEAD, "review", 1, "reviewed"),
        (DEPUTY, "approve", 2, "approved"),
        (DEPUTY, "lock", 3, "locked"),
    ):
        with reports.client(email) as client:
            done = send(client, reports, act, **{f"pick-{first}": "yes", f"version-{first}": version})
            assert f"1 target {said}." in done.text
    assert [(act, status, grade, by) for _, act, status, grade, by, _ in log(reports, first)] == [
        ("propose", "proposed", "7", TEACHER),
        ("review", "subject_reviewed", "7", SUBJECT_LEAD),
        ("approve", "approved", "7", DEPUTY),
        ("lock", "locked", "7", DEPUTY),
    ]
    assert log(reports, second) == []


@pytest.mark.usefixtures("no_targets")
def test_a_locked_target_needs_a_reason_and_what_was_entered_stays(reports: Reports) -> None:
    key = pupils_of_maths(reports)[0]
    with reports.client(DEPUTY) as deputy, reports.client(SUBJECT_LEAD) as lead:
        send(lead, reports, "propose", **{f"grade-{key}": "6", f"version-{key}": 0})
        for version, act in enumerate(("review", "approve", "lock"), start=1):
            send(deputy, reports, act, **{f"pick-{key}": "yes", f"version-{key}": version})
        fields = {f"grade-{key}": "8", f"was-{key}": "6", f"version-{key}": 4}
        refused = send(lead, reports, "propose", **fields)
        assert refused.status_code == 422
        assert "The target is locked." in refused.text
        assert "Give the reason for the change" in refused.text
        assert re.search(rf'name="grade-{key}".*?<option value="8" selected>', refused.text, flags=re.S)
        assert len(log(reports, key)) == 4
        assert "1 target proposed." in send(lead, reports, "propose", comment="Mock of March", **fields).text
    assert log(reports, key)[-1][1:] == ("propose", "proposed", "8", SUBJECT_LEAD, "Mock of March")


@pytest.mark.usefixtures("no_targets")
def test_the_second_of_two_is_told_and_nothing_is_overwritten(reports: Reports) -> None:
    first, second = pupils_of_maths(reports)[:2]
    with reports.client(TEACHER) as teacher, reports.client(SUBJECT_LEAD) as lead:
        send(lead, reports, "propose", **{f"grade-{first}": "6", f"version-{first}": 0})
        late = {f"grade-{first}": "4", f"version-{first}": 0, f"grade-{second}": "5", f"version-{second}": 0}
        refused = send(teacher, reports, "propose", **late)
    assert refused.status_code == 409
    assert "has changed since version 0" in refused.text
    assert [grade for _, _, _, grade, _, _ in log(reports, first)] == ["6"]
    assert log(reports, second) == []  # all or nothing


@pytest.mark.usefixtures("no_targets")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"act": "propose"}, "No grade was changed."),
        ({"act": "review"}, "No pupil is ticked."),
        ({"act": "delete"}, "The form does not say what to do."),
        ({"act": "propose", "grade-1": "A*", "version-1": "0"}, "has no pupil 1 on roll"),
    ],
)
def test_a_form_with_nothing_to_do_says_what_to_do(reports: Reports, fields: dict[str, str], said: str) -> None:
    with reports.client(SUBJECT_LEAD) as client:
        refused = send(client, reports, **fields)
    assert refused.status_code in (404, 422)
    assert said in html.unescape(refused.text)
    assert rows(reports, "select 1 from targets.target_entry") == []


@pytest.mark.usefixtures("no_targets")
@pytest.mark.parametrize("slug", [f"subjects/pupils?{MATHS}", "targets?year_group=11", "policies?year_group=11"])
def test_a_form_from_elsewhere_changes_nothing(reports: Reports, slug: str) -> None:
    key = pupils_of_maths(reports)[0]
    fields = {"act": "prepopulate", "reason": "x", f"grade-{key}": "9", f"version-{key}": "0"}
    with reports.client(DEPUTY) as client, reports.client(TEACHER) as other:
        theirs = form_token(other, page(reports, f"subjects/pupils?{MATHS}"))
        for token, headers in (("", {}), (theirs, {}), ("mine", {"Origin": "http://evil.example"})):
            mine = form_token(client, page(reports, "targets")) if token == "mine" else token
            answer = client.post(page(reports, slug), data={**fields, "form_token": mine}, headers=headers)
            assert answer.status_code == 403
    assert rows(reports, "select 1 from targets.target_entry union all select 1 from targets.policy_entry") == []


@pytest.mark.usefixtures("no_targets")
def test_a_policy_is_stated_and_pre_populates_the_year_group(reports: Reports) -> None:
    policy = {"scope": "GCSE|Mathematics", "years": "this", "level": "50", "second": "20", "reason": "Ambition"}
    with reports.client(DEPUTY) as client:
        address = page(reports, "policies?year_group=11")
        token = form_token(client, address)
        bad = client.post(address, data={**policy, "second": "50", "act": "state", "form_token": token})
        assert bad.status_code == 422
        assert "A policy has one challenge level, or two different ones" in bad.text
        stated = client.post(address, data={**policy, "act": "state", "form_token": token})
        assert "Policy stated." in stated.text
        assert "Average (50) and High (20)" in cells(stated.text, "Mathematics (GCSE)")
        address = page(reports, "targets?year_group=11")
        done = client.post(address, data={"act": "prepopulate", "form_token": form_token(client, address)})
        assert "pre-populated." in done.text
    ((levels, pupils, targets),) = rows(
        reports,
        "select min(t.challenge_levels), count(distinct s.pupil_key), count(t.pupil_key)"
        " from benchmarks.pupil_subject s join benchmarks.pupil p using (school_id, pupil_key)"
        " left join targets.current_target t using (school_id, pupil_key, academic_year, qualification, subject)"
        " where s.school_id = %(school)s and p.nc_year = '11' and s.subject = 'Mathematics'"
        " and s.basis_key is not null",
    )
    assert (list(levels), targets) == ([50, 20], pupils)


@pytest.mark.usefixtures("no_targets")
def test_who_may_not_state_a_policy_is_told(reports: Reports) -> None:
    with reports.client(TEACHER) as client:
        address = page(reports, "policies?year_group=11")
        text = client.get(address).text
        assert "State a policy" not in text
        token = form_token(client, address)
        refused = client.post(address, data={"reason": "x", "act": "state", "form_token": token})
    assert refused.status_code == 403
    assert "may not set the policy for" in refused.text
    assert rows(reports, "select 1 from targets.policy_entry") == []


# In a browser


@pytest.mark.usefixtures("no_targets")
def test_a_teacher_sets_a_target_without_javascript(reports: Reports, signed_in: SignIn, pictures: Path) -> None:
    key = pupils_of_maths(reports)[0]
    teacher = signed_in(TEACHER)
    teacher.goto(reports.address + page(reports, "subjects?year_group=11"))
    teacher.screenshot(path=pictures / "targets-subjects.png", full_page=True)
    teacher.get_by_role("link", name="Mathematics (GCSE)").click()
    row = teacher.locator(f"tr:has([name='grade-{key}'])")
    label = row.get_by_role("rowheader").inner_text()
    teacher.get_by_label(f"Target of {label}").select_option("7")
    teacher.get_by_role("button", name="Propose the changed grades").click()
    expect(teacher.get_by_role("status").filter(has_text="1 target proposed.")).to_be_visible()
    expect(row).to_contain_text("Proposed")
    teacher.screenshot(path=pictures / "targets-sheet.png", full_page=True)
    teacher.get_by_role("link", name=label).click()
    expect(teacher.get_by_role("heading", level=1)).to_have_text(label)
    expect(teacher.get_by_role("row", name="Mathematics (GCSE)")).to_contain_text("Proposed")
    teacher.screenshot(path=pictures / "targets-explorer.png", full_page=True)
    teacher.emulate_media(media="print")
    expect(teacher.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(teacher.get_by_role("table", name="Estimates, targets and current assessments by subject")).to_be_visible()
    teacher.pdf(path=pictures / "targets-explorer.pdf", format="A4")
