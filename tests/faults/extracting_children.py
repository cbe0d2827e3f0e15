"""Extracts in processes of their own, begun within a millisecond: everything is imported once, then each is a fork.

``python extracting_children.py``: for each order on standard input, a line of JSON as ``Order`` says, prints how the
process ended: 0 when all was extracted, -9 when it was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from faulty_installation import Installation

from orchestration.ingest import archive, landing, load, locks, quarantine, watermarks
from orchestration.ingest.acceptance import Acceptance
from orchestration.ingest.categories import Category
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse
from sandbox.server import Sandbox

#: Where a process may be told to die.
PLACES: dict[str, tuple[Any, str]] = {
    "a page is archived": (archive.ArchiveWriter, "append"),
    "a segment is stored": (archive.Archive, "put"),
    "rows are sent": (landing.Landing, "flush"),
    "the batch is judged": (Acceptance, "run"),
    "rows are loaded": (load, "_change"),
    "quarantine is superseded": (quarantine, "supersede"),
    "the watermark moves": (watermarks, "advance"),
    "all is committed": (locks, "release_school"),
}


@dataclass(frozen=True)
class Order:
    """Extract every category. ``place`` and ``call``: die at that call of that place. ``after``: be killed after so
    many seconds."""

    sandbox: dict[str, Any]
    database: str
    home: str
    partner: str
    numbers: dict[str, int]
    place: str | None = None
    call: int = 1
    after: float | None = None

    @classmethod
    def of(cls, here: Installation, *, place: str | None = None, call: int = 1, after: float | None = None) -> Order:
        """To extract in another process what ``here`` would."""
        return cls(
            asdict(here.sandbox),
            here.warehouse.url,
            str(here.settings.home),
            here.partner_name,
            here.numbers,
            place,
            call,
            after,
        )

    def carry_out(self) -> None:
        """Extract in this process."""
        here = Installation(
            Sandbox(**self.sandbox),
            Warehouse(self.database, self.database),
            Settings(home=Path(self.home)),
            self.partner,
            numbers=self.numbers,
        )
        if self.place:
            _die_at(*PLACES[self.place], self.call)
        for category in Category:
            for outcome in here.extract(category, patient=True).values():
                assert outcome.state == "loaded", outcome.message


def _die_at(owner: Any, name: str, call: int) -> None:
    left = [call]
    original = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **named)

    mock.patch.object(owner, name, dying).start()


def _carry_out(order: Order) -> int:
    """Carry an order out in another process; as it ended."""
    child = os.fork()
    if child == 0:
        try:
            order.carry_out()
        except BaseException as error:  # told to whoever reads the log; the parent must not go on in two processes
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    killer = threading.Timer(order.after or 0, os.kill, (child, signal.SIGKILL))
    if order.after is not None:
        killer.start()
    # It is not reaped before the killer is off, who could otherwise hit a stranger with the same number.
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    if order.after is not None:
        killer.cancel()
        killer.join()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Carry out orders until there are no more."""
    for line in sys.stdin:
        sys.stdout.write(f"{_carry_out(Order(**json.loads(line)))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
