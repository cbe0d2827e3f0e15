"""Whatever a partner does, in whatever order: when it is over, raw holds what the partner has, each row once.

``MIS_FAULT_EXAMPLES=500`` runs so many random plans instead of the few fixed ones, ``MIS_FAULT_TALLY=file`` keeps count
(see docs/faults.md).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import product
from pathlib import Path

import pytest
from fault_plans import Episode, Fault, PartnerName, Plan, one_by_one, plans
from fault_tally import Tally
from faulty_installation import Heard, Installation, Installations, Rows, listening
from hypothesis import HealthCheck, Phase, given, settings

from orchestration.connectors.errors import PartnerError
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.registry import RegistryError

EXAMPLES = int(os.environ.get("MIS_FAULT_EXAMPLES", "0"))
TALLY = Tally(Path(os.environ["MIS_FAULT_TALLY"]) if "MIS_FAULT_TALLY" in os.environ else None)

profile = settings(
    max_examples=EXAMPLES or 12,
    derandomize=not EXAMPLES,
    phases=(Phase.explicit, Phase.generate, Phase.shrink) if EXAMPLES else (Phase.explicit, Phase.generate),
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(600 if not EXAMPLES else 36_000)
@pytest.mark.parametrize("partner", ["wonde", "groupcall"])
def test_when_it_is_over_raw_is_what_the_partner_has(installations: Installations, partner: PartnerName) -> None:
    @profile
    @given(plan=plans(partner))
    def over(plan: Plan) -> None:
        _carry_out(installations, plan)

    over()


@pytest.mark.parametrize("partner", ["wonde", "groupcall"])
def test_each_kind_of_fault_alone(installations: Installations, partner: PartnerName) -> None:
    _carry_out(installations, one_by_one(partner))


def _carry_out(installations: Installations, plan: Plan) -> None:
    with installations.new(plan.partner, begun=plan.begun) as installation, listening() as heard:
        for number, episode in enumerate(plan.episodes, start=1):
            so_far = plan.episodes[:number]
            _live_through(
                installation,
                episode,
                heard,
                apart=all(map(_concerns_one_school, so_far)),
                afresh=not any(earlier.mis or earlier.revoked for earlier in so_far[:-1]),
            )
        _settle(installation, plan, heard)


def _live_through(here: Installation, episode: Episode, heard: Heard, *, apart: bool, afresh: bool) -> None:
    """``apart``: nothing so far has concerned the other school, which must then be none the worse. ``afresh``: no
    earlier episode has left the school in another state, of which the messages would tell."""
    school = here.disturbed
    if episode.days:
        here.sandbox.advance(episode.days)
    if episode.mis:
        here.migrate(episode.mis)
    if episode.scope:
        here.sandbox.control(f"school/{school}/scope", {"scope": episode.scope, "granted": False})
    if episode.revoked:
        here.sandbox.control(f"school/{school}/state", {"state": "revoked"})
    here.fault(*episode.faults)
    kinds = _kinds(episode)
    for kind in kinds:
        TALLY.injected(kind)
    if episode.noticed:
        with suppress(PartnerError, RegistryError):
            here.sync(patient=False)
    for category, full in episode.extracts:
        outcomes = here.extract(category, patient=False, full=full)
        for outcome in outcomes.values():
            assert outcome.state in ("loaded", "held", "failed")
            assert outcome.message or outcome.state == "loaded"
            heard.records.append(outcome.message or "")
        TALLY.outcome(set(kinds), outcomes[school].state, outcomes[school].message if afresh else None)
        if apart:
            others = [outcome for name, outcome in outcomes.items() if name != school]
            assert [outcome.state for outcome in others] == ["loaded"], others
    for fault, left in zip(episode.faults, here.faults_left(), strict=True):
        if "times" in fault:
            TALLY.met(_kind(fault), fault["times"] - left)
    if episode.scope:
        here.sandbox.control(f"school/{school}/scope", {"scope": episode.scope, "granted": True})
    if episode.revoked:
        here.sandbox.control(f"school/{school}/state", {"state": "approved"})


def _settle(here: Installation, plan: Plan, heard: Heard) -> None:
    here.settle()
    read = {category for episode in plan.episodes for category, _ in episode.extracts}
    if any(episode.mis for episode in plan.episodes):
        read.add(Category.BASIC)
    lost = doubled = 0
    for category in (category for category in Category if category in read):
        outcomes = here.extract(category, patient=True)
        truth = {school: here.truth(school, category) for school in here.numbers}
        if plan.truthful:
            assert {outcome.state for outcome in outcomes.values()} == {"loaded"}, outcomes
            _assert_changes_arrived(here, category, truth)
        # A gate that compares with what damaged rows, or a wrong clock, have left there is the operator's to overrule.
        again = here.extract(category, patient=True, full=True, accept_held=not plan.truthful)
        assert {outcome.state for outcome in again.values()} == {"loaded"}, again
        for school, table in product(here.numbers, CATEGORIES[category].tables):
            expected, found = truth[school][table.name], here.raw(school, table)
            lost += len(expected.keys() - found.keys())
            doubled += len(found.keys() - expected.keys())
            assert found == expected, table.name
    TALLY.settled({kind for episode in plan.episodes for kind in _kinds(episode)}, lost=lost, doubled=doubled)
    assert here.leftovers(*read) == []
    _assert_discreet(here, heard)


def _assert_changes_arrived(here: Installation, category: Category, truth: Mapping[str, Mapping[str, Rows]]) -> None:
    """Each row that the partner dates is in raw with that date, whatever was asked for."""
    for school, table in product(here.numbers, CATEGORIES[category].tables):
        if "source_updated_at" in table.columns:
            place = table.columns.index("source_updated_at")
            found = {(key, row[place]) for key, row in here.raw(school, table).items()}
            assert not {(key, row[place]) for key, row in truth[school][table.name].items()} - found, table.name


def _assert_discreet(here: Installation, heard: Heard) -> None:
    """No credential and nobody's name was logged or told."""
    said = "\n".join(heard.records)
    for secret in (here.sandbox.token, *here.sandbox.groupcall_secrets().values()):
        assert secret not in said
    words = set(re.findall(r"[\w'-]+", said))
    names = here.query("select surname from raw.pupil union select surname from raw.staff")
    assert not words & {name for (name,) in names if name}


def _concerns_one_school(episode: Episode) -> bool:
    """Whether the other school has no part in it. A refused token is everybody's."""
    return not any(
        fault["kind"] == "clock_skew" or ("path" in fault and "{" not in fault["path"]) or fault.get("status") == 401
        for fault in episode.faults
    )


def _kind(fault: Fault) -> str:
    return f"status {fault['status']}" if fault["kind"] == "status" else str(fault["kind"])


def _kinds(episode: Episode) -> list[str]:
    return [
        *map(_kind, episode.faults),
        *(["scope off"] if episode.scope else []),
        *(["revoked"] if episode.revoked else []),
        *(["MIS changed"] if episode.mis else []),
    ]
