"""``python -m sandbox``: serve the sandbox in the foreground."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path

from sandbox.server import DEFAULT_SCHOOLS, DEFAULT_SEED, DEFAULT_TODAY, Announcement, serve


def _announce(told: Announcement) -> None:
    """One line of JSON on standard output: where the partners are and what opens them."""
    sys.stdout.write(json.dumps(asdict(told)) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Serve synthetic schools through partners' APIs on this machine."
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".mis/sandbox"),
        help="folder for generated schools and the journal (default: %(default)s)",
    )
    parser.add_argument(
        "--schools", type=int, default=DEFAULT_SCHOOLS, help="number of approved schools (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="the same seed gives the same schools (default: %(default)s)"
    )
    parser.add_argument(
        "--size",
        type=float,
        default=1.0,
        help="factor on the number of pupils; 0.1 for quick tests (default: %(default)s)",
    )
    parser.add_argument(
        "--today", type=date.fromisoformat, default=DEFAULT_TODAY, help="first simulated day (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=int, default=0, help="port on 127.0.0.1; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument("--reset", action="store_true", help="forget days advanced, states and scopes changed before")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    options = parser.parse_args()
    if options.schools < 1 or options.size <= 0:
        parser.error("--schools must be 1 or more and --size above 0")
    with contextlib.suppress(KeyboardInterrupt):
        serve(
            options.data,
            schools=options.schools,
            seed=options.seed,
            size=options.size,
            today=options.today,
            port=options.port,
            reset=options.reset,
            exit_with_stdin=options.exit_with_stdin,
            ready=_announce,
        )


if __name__ == "__main__":
    main()
