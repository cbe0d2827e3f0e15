"""A warehouse of a benchmark's own: a server in a temporary folder, and as many fresh databases as it needs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration.warehouse.cluster import Cluster
from orchestration.warehouse.connection import Warehouse
from orchestration.warehouse.migrate import migrate

_MODEL = "model"


@dataclass(frozen=True)
class Scratch:
    """A running server in a folder that goes when the block ends. The database ``model`` is migrated."""

    folder: Path
    cluster: Cluster

    @property
    def server_pid(self) -> int:
        """Process id of the server's root process."""
        return int((self.cluster.data / "postmaster.pid").read_text().split()[0])

    def warehouse(self, database: str = _MODEL) -> Warehouse:
        """A database of the server as a warehouse."""
        url = self.cluster.url(database)
        return Warehouse(url, url)

    def fresh(self, database: str) -> Warehouse:
        """A database that is a copy of ``model`` as it now is, made anew; what it was before is dropped."""
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as conn:
            conn.execute(f"drop database if exists {database} with (force)".encode())
            conn.execute(f"create database {database} template {_MODEL}".encode())
            # What the copying has left to write must not fall upon what is measured next.
            conn.execute("checkpoint")
        return self.warehouse(database)


@contextmanager
def scratch() -> Iterator[Scratch]:
    """A server for the block, with the database ``model``."""
    with tempfile.TemporaryDirectory(prefix="mis-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "postgres")
        with cluster.lease():
            with psycopg.connect(cluster.url("postgres"), autocommit=True) as conn:
                conn.execute(f"create database {_MODEL}".encode())
            made = Scratch(folder, cluster)
            migrate(made.warehouse())
            yield made
