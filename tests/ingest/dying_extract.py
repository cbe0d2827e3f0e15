"""An extract in a process of its own that kills itself, with SIGKILL, at the place it is told.

``python dying_extract.py <database url> <home> <suites> <place>``; the pupils are those of ``pupils_after``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from fake_partner import FakePartner, Record, pupil
from trial import Trial, TrialSettings

from orchestration.ingest import archive, locks, quarantine, watermarks
from orchestration.ingest.acceptance import Acceptance
from orchestration.warehouse.connection import Warehouse

#: Where to die: the page that is asked for, or the function that is called.
PLACES: dict[str, Any] = {
    "page 20": None,
    "page 70": None,
    "segment half written": mock.patch.object(archive.Archive, "put"),
    "before the gates": mock.patch.object(Acceptance, "run"),
    "between quarantine and load": mock.patch.object(quarantine, "supersede"),
    "in the transaction": mock.patch.object(watermarks, "advance"),
    "after the commit": mock.patch.object(locks, "release_school"),
}


def pupils_before() -> list[Record]:
    """What the first, undisturbed extract finds."""
    return [pupil(n) for n in range(90)]


def pupils_after() -> list[Record]:
    """Then nineteen have gone, ten have changed, ten are new, and one is refused by a rule."""
    changed = [pupil(n, updated="2025-07-18T18:30:00+00:00", forename="Bo") for n in range(70, 80)]
    new = [pupil(n, updated="2025-07-18T18:30:00+00:00") for n in range(90, 100)]
    return [pupil(1, date_of_birth="1850-01-01"), *(pupil(n) for n in range(10, 70)), *changed, *new]


def die(*arguments: Any, **named: Any) -> None:
    """As suddenly as a process can."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, home: str, suites: str, place: str) -> None:
    """Extract school A, in full, until then."""
    partner = FakePartner(["A"], page_size=1)
    partner["A"].put("students", *pupils_after())
    trial = Trial(Warehouse(url, url), TrialSettings(home=Path(home), suites=Path(suites)), partner)
    trial.register()
    if place.startswith("page"):
        last = int(place.removeprefix("page "))
        partner.before_page = lambda school, stream, number: die() if number == last else None
        trial.extract(full=True)
    else:
        with PLACES[place] as patched:
            patched.side_effect = die
            trial.extract(full=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
