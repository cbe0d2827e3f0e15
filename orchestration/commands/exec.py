"""``mis exec``: any program with the platform in place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration.runtime import platform_ready
from orchestration.settings import Settings


def call(settings: Settings, command: Sequence[str]) -> int:
    """Run ``command`` from the project's root and return its exit status.

    Programs of the virtual environment are found although it has not been activated, and dbt finds its project.
    """
    with platform_ready(settings):
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "DBT_PROJECT_DIR": str(settings.dbt_dir),
            "DBT_PROFILES_DIR": str(settings.dbt_dir),
            "DBT_TARGET_PATH": str(settings.home / "dbt" / "exec"),
        }
        return subprocess.call(list(command), cwd=settings.project_root, env=environment)
