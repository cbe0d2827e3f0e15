"""``mis psql``: a prompt on the warehouse, or one command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import psycopg
import typer

from orchestration.warehouse.connection import Warehouse


def interactive(warehouse: Warehouse) -> int:
    """Open ``psql`` when the machine has it, else ``pgcli``; returns its exit status.

    The password travels in the environment and not on the command line, where other users could read it.
    """
    program = shutil.which("psql")
    command = [program] if program else [sys.executable, "-m", "pgcli"]
    given = warehouse.env()
    environment = {
        **os.environ,
        "PGHOST": given["MIS_PG_HOST"],
        "PGPORT": given["MIS_PG_PORT"],
        "PGUSER": given["MIS_PG_USER"],
        "PGPASSWORD": given["MIS_PG_PASSWORD"],
        "PGDATABASE": given["MIS_PG_DB"],
    }
    return subprocess.call(command, env=environment)


def query(warehouse: Warehouse, command: str) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Run one SQL command and return the header and the rows of its result; both empty when it returns none.

    Raises:
        typer.Exit: the server refused the command; its message has been printed.
    """
    with warehouse.connect(autocommit=True) as connection:
        try:
            cursor = connection.execute(command.encode())
        except psycopg.Error as error:
            typer.echo(str(error).strip(), err=True)
            raise typer.Exit(1) from error
        if cursor.description is None:
            return (), ()
        return [column.name for column in cursor.description], cursor.fetchall()
