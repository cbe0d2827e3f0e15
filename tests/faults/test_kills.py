"""Extracts that are killed at any moment, and a server that is: the next extract goes on, and the end is the same.

``MIS_KILLS=300`` kills so often, ``MIS_FAULT_TALLY=file`` keeps count (see docs/faults.md).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import pytest
from extracting_children import PLACES, Order
from fault_tally import Tally
from faulty_installation import Installation, Installations

from orchestration.ingest.archive import Archive
from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse

KILLS = int(os.environ.get("MIS_KILLS", "20"))
SEED = int(os.environ.get("MIS_KILLS_SEED", "1"))
TALLY = Tally(Path(os.environ["MIS_FAULT_TALLY"]) if "MIS_FAULT_TALLY" in os.environ else None)

#: Of the kills of one installation, the share that hits the server, and the share at a place that was named.
_SERVER, _NAMED = 0.15, 0.35
_PER_INSTALLATION = 10
_HERE = Path(__file__).parent


@dataclass
class Children:
    """Starts extracts in processes of their own, one at a time; what they say of errors goes into ``log``."""

    process: subprocess.Popen[str]
    log: Path

    def begin(self, order: Order) -> None:
        """Start one."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(asdict(order)) + "\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """Wait for it; as it ended."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def extract(self, order: Order) -> int:
        """Start one and wait for it; as it ended."""
        self.begin(order)
        return self.end()

    def extract_undisturbed(self, order: Order) -> None:
        """Start one that must come to its end."""
        assert self.extract(order) == 0, self.log.read_text()[-2000:]


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    """A process that has everything imported and begins extracts."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_HERE), str(_HERE.parents[1])])}
    log = tmp_path_factory.mktemp("children") / "stderr"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, str(_HERE / "extracting_children.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        ) as process,
    ):
        yield Children(process, log)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server that may be killed."""
    cluster = Cluster(tmp_path_factory.mktemp("killed server"))
    with cluster.lease():
        yield cluster


@dataclass
class Trial:
    """One installation that is struck again and again, and what it would be without."""

    cluster: Cluster
    children: Children
    random: random.Random
    undisturbed: dict[str, str]
    seconds: float

    def strike(self, here: Installation) -> str | None:
        """Let an extract begin and be killed, or its server be; what was done, None when it was quicker."""
        chance = self.random.random()
        if chance < _SERVER:
            return "Postgres killed (SIGKILL)" if self._strike_server(here) else None
        if chance < _SERVER + _NAMED:
            order = Order.of(here, place=self.random.choice(sorted(PLACES)), call=self.random.randint(1, 8))
        else:
            order = Order.of(here, after=self.random.uniform(0, self.seconds))
        return "extract killed (SIGKILL)" if self.children.extract(order) else None

    def _strike_server(self, here: Installation) -> int:
        self.children.begin(Order.of(here))
        time.sleep(self.random.uniform(0, self.seconds))
        postmaster = int((self.cluster.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        ended = self.children.end()
        self.cluster.start()
        name = here.warehouse.url.rpartition("/")[2]
        here.warehouse = Warehouse(self.cluster.url(name), self.cluster.url(name))
        return ended


@contextmanager
def _day_later(installations: Installations, partner: str, *, begun: bool) -> Iterator[Installation]:
    """An installation before an extract; one that is begun has two days of changes to read."""
    with installations.new(partner, begun=begun) as here:
        if begun:
            here.sandbox.advance(2)
        yield here


@pytest.mark.timeout(600 if KILLS <= 20 else 36_000)
def test_killed_again_and_again_ends_as_undisturbed(
    own_cluster: Cluster, children: Children, tmp_path_factory: pytest.TempPathFactory
) -> None:
    installations = Installations(own_cluster, tmp_path_factory.mktemp("kills"))
    chance = random.Random(SEED)
    undisturbed: dict[tuple[str, bool], tuple[dict[str, str], float]] = {}
    done: Counter[str] = Counter()
    # The few of the suite are dealt to one kind of installation, because each needs its undisturbed twin.
    turns = [("wonde", False)] if KILLS <= 20 else list(product(("wonde", "groupcall"), (False, True)))
    turn = 0
    while done.total() < KILLS:
        partner, begun = turns[turn % len(turns)]
        turn += 1
        if (partner, begun) not in undisturbed:
            with _day_later(installations, partner, begun=begun) as here:
                started = time.monotonic()
                children.extract_undisturbed(Order.of(here))
                undisturbed[partner, begun] = here.digests(), time.monotonic() - started
        trial = Trial(own_cluster, children, chance, *undisturbed[partner, begun])
        with _day_later(installations, partner, begun=begun) as here:
            before = here.query("select coalesce(max(extract_id), 0) from ops.extract")[0][0]
            struck = [trial.strike(here) for _ in range(min(_PER_INSTALLATION, KILLS - done.total() + 2))]
            children.extract_undisturbed(Order.of(here))
            kinds = Counter(filter(None, struck))
            done += kinds
            _tally(here, kinds, before)
            assert here.digests() == trial.undisturbed
            assert here.leftovers() == []
            _assert_archive_replays(here, before)
            TALLY.settled(set(kinds), lost=0, doubled=0)


def _assert_archive_replays(here: Installation, before: int) -> None:
    """Each page that an extract later than ``before`` says it read is there once."""
    archive = Archive(here.settings.archive)
    for path, pages in here.query(
        "select archive_path, pages from ops.extract where state = 'loaded' and extract_id > %s", before
    ):
        archived = [(page.endpoint, page.number) for page in archive.replay(path)]
        assert len(archived) == len(set(archived)) == pages


def _tally(here: Installation, kinds: Counter[str], before: int) -> None:
    for kind in kinds.elements():
        TALLY.injected(kind)
    for state, message in here.query("select state, message from ops.extract where extract_id > %s", before):
        TALLY.outcome(set(kinds), state, message)
