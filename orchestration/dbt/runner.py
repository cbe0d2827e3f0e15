"""dbt in this process: a child process a stage cost 6 s of imports each (measured: a chain in 2.8 s, not 10.2 s)."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.dbt.project import manifest_is_stale, project_args, target_dir
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

Event = Mapping[str, Any]

#: dbt keeps its flags and adapters in module globals, so one invocation at a time in a process.
_one_at_a_time = threading.Lock()


class DbtError(RuntimeError):
    """dbt could not do what was asked; the message names the nodes and says what dbt said."""


@dataclass(frozen=True)
class DbtResult:
    """What one invocation did: its events in order, and the messages of nodes that failed."""

    success: bool
    events: tuple[Event, ...]
    failures: tuple[str, ...]


def invoke(settings: Settings, args: Sequence[str], on_event: Callable[[Event], None] | None = None) -> DbtResult:
    """Run dbt with ``args`` in this process.

    ``on_event`` sees each structured event while dbt runs. Connection parameters come from the environment
    (``Warehouse.env``).

    Raises:
        DbtError: dbt stopped before it ran any node (an unreadable project, an unknown selection).
    """
    from dbt.cli.main import dbtRunner
    from google.protobuf.json_format import MessageToDict

    events: list[Event] = []

    def keep(message: EventMsg) -> None:
        if "node_info" in message.data.DESCRIPTOR.fields_by_name:
            event: Event = MessageToDict(message, preserving_proto_field_name=True)
            events.append(event)
            if on_event is not None:
                on_event(event)

    with _one_at_a_time:
        outcome = dbtRunner(callbacks=[keep]).invoke([*args, *project_args(settings)])
    if outcome.exception is not None:
        raise DbtError(f"dbt {args[0]} could not start: {outcome.exception}") from outcome.exception
    results = getattr(outcome.result, "results", ())
    failures = tuple(
        f"{result.node.name}: {(result.message or result.status).strip()}"
        for result in results
        if result.status in {"error", "fail", "runtime error"}
    )
    return DbtResult(outcome.success, tuple(events), failures)


def ensure_manifest(settings: Settings) -> None:
    """Parse the project when its manifest is missing or older than a source file; needs no database.

    The whole of it, 3 s: a partial parse once kept the former group of a singular test whose YAML had changed, and no
    build would start. One process at a time: dbt writes the file in place, and one that started beside read half of it.

    Raises:
        DbtError: the project does not parse.
    """
    target_dir(settings).mkdir(parents=True, exist_ok=True)
    with (target_dir(settings) / "manifest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if manifest_is_stale(settings):
            invoke(settings, ["parse", "--no-partial-parse"])
