"""The page of connections: what it shows of whom, and that its button starts what it says and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest
from fake_partner import pupil
from trial import MakeTrial, Trial

from orchestration.connections_page import app as page
from orchestration.connections_page.app import create_app
from orchestration.rerun import RerunError
from orchestration.serving import served


@dataclass
class Runs:
    """Dagster as the page knows it; test_rerun.py and test_ui.py have the real one."""

    started: dict[int, str] = field(default_factory=dict)
    trouble: str = ""

    def under_way(self) -> dict[int, str]:
        return self.started

    def start(self, school_id: int) -> str:
        if self.trouble:
            raise RerunError(self.trouble)
        return self.started.setdefault(school_id, f"run-of-{school_id}")

    def address_of(self, run_id: str) -> str:
        return f"http://127.0.0.1:3000/runs/{run_id}"


Browse = Callable[[Trial, Runs], httpx.Client]


@pytest.fixture
def browse() -> Iterator[Browse]:
    """A function that serves the page over an installation, and gives what asks for it."""
    with ExitStack() as stack:

        def begin(trial: Trial, runs: Runs) -> httpx.Client:
            app = create_app(trial.warehouse, trial.settings.application, runs, hosts=["127.0.0.1"])
            port = stack.enter_context(served(app))
            return stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30))

        yield begin


def press(client: httpx.Client, school_id: int, **headers: str) -> tuple[int, str]:
    """Press the school's button, from the page itself unless ``headers`` say otherwise."""
    answer = client.post(f"/schools/{school_id}/again", headers={"origin": str(client.base_url).rstrip("/"), **headers})
    return answer.status_code, answer.headers.get("location", answer.text)


def test_one_press_starts_the_school_and_shows_it_under_way(browse: Browse, make_trial: MakeTrial) -> None:
    trial, runs = make_trial(["A", "B"]), Runs()
    client, school = browse(trial, runs), trial.ids["A"]
    before = client.get("/").text
    assert (before.count("Run again</button>"), "under way" in before, "refresh" in before) == (2, False, False)
    assert press(client, school) == (303, f"/?school={school}")
    assert runs.started == {school: f"run-of-{school}"}
    after = client.get("/").text
    assert f'<a href="http://127.0.0.1:3000/runs/run-of-{school}">under way</a>' in after
    assert (after.count("Run again</button>"), "refresh" in after) == (1, True)


@pytest.mark.parametrize("origin", ["", "http://elsewhere.example", "null"])
def test_another_site_cannot_press(browse: Browse, trial: Trial, origin: str) -> None:
    runs = Runs()
    assert press(browse(trial, runs), trial.ids["A"], origin=origin)[0] == 403
    assert runs.started == {}


def test_under_another_name_the_page_is_not_there(browse: Browse, trial: Trial) -> None:
    runs = Runs()
    client = browse(trial, runs)
    rebound = {"host": "rebound.example:3001", "origin": "http://rebound.example:3001"}
    assert client.get("/", headers=rebound).status_code == 400
    assert press(client, trial.ids["A"], **rebound)[0] == 400
    assert runs.started == {}


def test_what_cannot_be_run_says_why(browse: Browse, make_trial: MakeTrial) -> None:
    trial, runs = make_trial(["A", "B"]), Runs()
    trial.partner["B"].state = "revoked"
    trial.register()
    client = browse(trial, runs)
    status, text = press(client, trial.ids["B"])
    assert (status, "is not approved" in text, "revoked since" in text) == (409, True, True)
    status, text = press(client, 999)
    assert (status, "There is no school 999" in text) == (404, True)
    runs.trouble = "Dagster did not take <the> run."
    status, text = press(client, trial.ids["A"])
    assert (status, "Dagster did not take &lt;the&gt; run." in text) == (503, True)
    assert client.get("/?after=x").status_code == 400
    assert client.get("/").text.count("Run again</button>") == 1


def test_a_long_list_is_searched_and_turned_over(
    browse: Browse, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE_ROWS", 2)
    trial = make_trial([f"S{number}" for number in range(5)])
    with trial.warehouse.connect() as conn:
        conn.execute("update ops.school set name = 'Ash & <b>Oak</b>' where partner_school_id = 'S4'")
        conn.commit()
    client, seen, address = browse(trial, Runs()), [], "/"
    while address:
        text = client.get(address).text
        seen += [number for number in trial.ids.values() if f'id="school-{number}"' in text]
        address = text.split('<p><a href="')[1].split('"')[0].replace("&amp;", "&") if "Next</a>" in text else ""
    assert seen == sorted(trial.ids.values())
    found = client.get("/?named=ash+%26").text
    assert (found.count('id="school-'), "Ash &amp; &lt;b&gt;Oak&lt;/b&gt;" in found) == (1, True)
    assert "No connection answers that" in client.get("/?named=nowhere").text


def test_a_school_with_two_connections_is_not_cut_away_at_the_end_of_a_page(
    browse: Browse, make_trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "PAGE_ROWS", 2)
    trial = make_trial(["A", "B"])
    with trial.warehouse.connect() as conn:
        conn.execute(
            "insert into ops.connection (application, partner, partner_school_id, school_id, state)"
            " select application, 'another', partner_school_id, school_id, 'approved' from ops.connection"
        )
        conn.commit()
    client = browse(trial, Runs())
    first = client.get("/").text
    assert (first.count("(not read)"), "/?after=" in first) == (1, True)
    second = client.get(f"/?after={trial.ids['A']}").text
    assert (second.count("(not read)"), "/?after=" in second) == (1, False)


def test_only_those_in_trouble_with_the_reason(browse: Browse, make_trial: MakeTrial) -> None:
    trial = make_trial(["A", "B", "C"])
    for school, rows in {"A": 60, "B": 1, "C": 1}.items():
        trial.partner[school].put("students", *(pupil(number) for number in range(1, rows)), pupil(99))
    trial.partner["C"].put("students", pupil(1), pupil(2, undecodable=True))
    trial.extract(full=True)
    trial.partner["A"].put("students", pupil(1))
    assert trial.extract("A", full=True)[0].state == "held"
    shown = browse(trial, Runs()).get("/?in_trouble=yes").text
    assert [f'id="school-{trial.ids[school]}"' in shown for school in "ABC"] == [True, False, True]
    assert "<p>basic: BAT-002 (pupil)" in shown
