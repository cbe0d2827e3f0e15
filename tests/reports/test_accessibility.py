"""What a keyboard, a screen reader and a printer need, looked at in Chromium with the pages' JavaScript off."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import COUNTY, HEAD, SLUGS, TRUST, Reports
from playwright.sync_api import Browser, Page, expect
from target_staff import COUNSELLOR, DEPUTY, MATHS

from reports.benchmarks import PAGES as BENCHMARK_PAGES

#: Who looks at what, below the school's address.
LOOKS = (
    *((HEAD, f"attendance/{'groups?with=sex' if slug == 'groups' else slug}") for slug in SLUGS),
    *((DEPUTY, f"benchmarks/{page.slug}?year_group=11") for page in BENCHMARK_PAGES if page.in_menu),
    (DEPUTY, f"benchmarks/subjects/pupils?{MATHS}"),
    (COUNSELLOR, "benchmarks/pupils/{pupil}"),
)
SignIn = Callable[[str], Page]

#: Contrast of every visible text with what is painted beneath it (WCAG 2.2, 1.4.3: 4.5, and 3 from 24 px or bold 18.7).
CONTRAST = """
() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || element.closest('svg') || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push([text.slice(0, 40), Math.round(ratio * 100) / 100]);
  }
  return poor;
}
"""

STRUCTURE = """
() => ({
  lang: document.documentElement.lang,
  landmarks: ['header', 'main', 'footer', 'nav'].map((name) => document.querySelectorAll(`body > ${name}`).length),
  headings: [...document.querySelectorAll('h1, h2, h3, h4')].map((h) => Number(h.tagName[1])),
  ids: [...document.querySelectorAll('[id]')].map((e) => e.id),
  unnamed: [...document.querySelectorAll('input:not([type=hidden]), select, button, summary, a')]
    .filter((e) => !(e.labels?.length || e.textContent.trim() || e.getAttribute('aria-label'))).map((e) => e.outerHTML),
  charts: [...document.querySelectorAll('svg.chart')].map((e) => [
    e.getAttribute('role'),
    e.getAttribute('aria-labelledby').split(' ').map((id) => document.getElementById(id)?.textContent.length ?? 0),
  ]),
  tables: [...document.querySelectorAll('table')].map((t) => [
    !!t.caption?.textContent.trim(),
    [...t.querySelectorAll('th')].every((th) => ['col', 'row'].includes(th.getAttribute('scope'))),
    t.querySelectorAll('tbody th').length,
  ]),
  scripts: document.scripts.length,
  outside: [...document.querySelectorAll('[src], link[href]')].map((e) => e.src || e.href)
    .filter((url) => !url.startsWith(location.origin)),
})
"""


def address(reports: Reports, slug: str) -> str:
    """The address of a look; a pupil is one of Year 11."""
    if "{pupil}" in slug:
        with reports.warehouse.connect() as connection:
            row = connection.execute(
                "select min(pupil_key) from benchmarks.pupil where school_id = %s and nc_year = '11'",
                [reports.secondary],
            ).fetchone()
        assert row is not None
        slug = slug.format(pupil=row[0])
    return f"{reports.address}/schools/{reports.secondary}/{slug}"


def picture(slug: str) -> str:
    """The name of a look's picture."""
    return re.sub(r"\W+", "-", slug.partition("?")[0]).strip("-")


@pytest.mark.parametrize(("who", "slug"), LOOKS)
def test_a_page_is_built_for_a_screen_reader(signed_in: SignIn, reports: Reports, who: str, slug: str) -> None:
    page = signed_in(who)
    page.goto(address(reports, slug))
    found: dict[str, Any] = page.evaluate(STRUCTURE)
    assert found["lang"] == "en-GB"
    assert found["landmarks"] == [1, 1, 1, 1]
    assert found["headings"].count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(found["headings"]))
    assert len(found["ids"]) == len(set(found["ids"]))
    assert found["unnamed"] == []
    assert all(role == "img" and len(names) == 2 and min(names) > 5 for role, names in found["charts"])
    assert all(has_caption and has_scopes for has_caption, has_scopes, _ in found["tables"])
    assert found["scripts"] == 0
    assert found["outside"] == []


@pytest.mark.parametrize(("who", "slug"), LOOKS)
def test_text_stands_out_from_its_ground(signed_in: SignIn, reports: Reports, who: str, slug: str) -> None:
    page = signed_in(who)
    page.goto(address(reports, slug) + ("&" if "?" in slug else "?") + "tables=open")
    assert page.evaluate(CONTRAST) == []


def test_pages_of_signing_in_stand_out_too(browser: Browser, reports: Reports) -> None:
    page = browser.new_page()
    for path in ("/sign-in", "/sign-in?token=x", "/"):
        page.goto(reports.address + path)
        assert page.evaluate(CONTRAST) == []
        assert page.evaluate(STRUCTURE)["headings"] == [1]
    page.close()


def test_the_first_tab_skips_to_the_figures(signed_in: SignIn, reports: Reports) -> None:
    page = signed_in(HEAD)
    page.goto(reports.address + reports.page("overview"))
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the figures")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_a_school_and_a_year_are_chosen_by_keyboard_alone(signed_in: SignIn, reports: Reports) -> None:
    page = signed_in(TRUST)
    page.goto(reports.address)
    school = page.get_by_role("link", name="Primary").first
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == school.text_content():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/schools/{reports.primary}/"))
    page.get_by_label("Academic year").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Show")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("year=202324"))
    expect(page.get_by_text("September 2023").first).to_be_visible()


def test_a_long_comparison_is_paged_by_keyboard(signed_in: SignIn, reports: Reports, county: list[int]) -> None:
    page = signed_in(COUNTY)
    page.goto(f"{reports.address}/attendance/compare?year=202425")
    found: dict[str, Any] = page.evaluate(STRUCTURE)
    assert found["unnamed"] == []
    assert len(found["ids"]) == len(set(found["ids"]))
    assert page.evaluate(CONTRAST) == []
    page.get_by_role("navigation", name="Pages of the list").get_by_role("link", name="Next").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("year=202425&page=2#list"))
    expect(page.get_by_role("heading", name="All measures")).to_be_in_viewport()
    expect(page.get_by_role("status")).to_have_text(f"{len(county) + 1} schools, page 2 of 2.")
    # What is reached next is in the list, not above it.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "All measures"


def test_focus_is_seen_and_follows_the_page(signed_in: SignIn, reports: Reports) -> None:
    page = signed_in(HEAD)
    page.goto(reports.address + reports.page("pupils"))
    places = []
    for _ in range(25):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect();"
            " return [s.outlineStyle, parseFloat(s.outlineWidth), r.top + scrollY, e.tabIndex]; }"
        )
        assert seen[0] == "solid"
        assert seen[1] >= 3
        assert seen[3] == 0
        places.append(seen[2])
    assert all(later >= earlier - 40 for earlier, later in pairwise(places[1:]))


def test_numbers_beneath_a_chart_open_by_keyboard(signed_in: SignIn, reports: Reports) -> None:
    page = signed_in(HEAD)
    page.goto(reports.address + reports.page("overview"))
    summary = page.locator("summary").first
    table = page.locator("figure table").first
    expect(table).to_be_hidden()
    summary.focus()
    page.keyboard.press("Enter")
    expect(table).to_be_visible()


@pytest.mark.parametrize(("who", "slug"), LOOKS)
def test_a_page_prints_on_a4(signed_in: SignIn, reports: Reports, pictures: Path, *, who: str, slug: str) -> None:
    page = signed_in(who)
    page.goto(address(reports, slug))
    file = pictures / f"{picture(slug)}.pdf"
    page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    content = file.read_bytes()
    pages = re.findall(rb"/Type\s*/Page\b(?!s)", content)
    boxes = {tuple(float(side) for side in box.split()) for box in re.findall(rb"/MediaBox\s*\[([\d. ]+)\]", content)}
    assert 1 <= len(pages) <= 4
    assert all((round(width), round(height)) == (595, 842) for _, _, width, height in boxes)
    page.emulate_media(media="print")
    for gone in ("header.top", "nav.menu", "form.period", "form.filters", "button", ".screen"):
        assert page.locator(gone).locator("visible=true").count() == 0
    assert page.locator("h1").is_visible()


@pytest.mark.parametrize("width", [1200, 400])
def test_pages_are_photographed_and_do_not_scroll_sideways(
    signed_in: SignIn, reports: Reports, pictures: Path, width: int
) -> None:
    for who in dict.fromkeys(who for who, _ in LOOKS):
        page = signed_in(who)
        page.set_viewport_size({"width": width, "height": 900})
        for slug in (slug for looker, slug in LOOKS if looker == who):
            page.goto(address(reports, slug))
            page.screenshot(path=pictures / f"{picture(slug)}-{width}.png", full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, slug
