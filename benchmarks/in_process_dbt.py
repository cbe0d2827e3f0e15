"""dbt in a benchmark's own process, against one database of its scratch server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestration.dbt.runner import invoke
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse


@dataclass(frozen=True)
class Dbt:
    """dbt in this process against one database."""

    settings: Settings
    warehouse: Warehouse

    def __call__(self, *args: str) -> dict[str, float]:
        """Run a command; seconds by model, as dbt has them."""
        with _environment(self.warehouse.env()):
            result = invoke(self.settings, list(args))
        if not result.success:
            raise RuntimeError(f"A benchmark must not measure what failed: {result.failures}")
        return {
            event["data"]["node_info"]["node_name"]: float(event["data"]["execution_time"])
            for event in result.events
            if event["info"]["name"] == "LogModelResult"
        }


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
