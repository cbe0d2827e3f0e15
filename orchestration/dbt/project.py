"""Where the dbt project is, its manifest, and the arguments of each stage, as pure functions."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from orchestration.settings import Settings


class Stage(StrEnum):
    """The stages that dbt builds, in the order in which data walks through them."""

    REFERENCE = "reference"
    SNAPSHOT = "snapshot"
    STAGING = "staging"
    CORE = "core"
    MARTS = "marts"

    @property
    def selector(self) -> str:
        """The stage's dbt node selection. Models and snapshots carry it as a tag; seeds are the reference stage."""
        return "resource_type:seed" if self is Stage.REFERENCE else f"tag:{self.value}"


def target_dir(settings: Settings) -> Path:
    """Where dbt writes: beside the data and never into the project, so that a read-only checkout works."""
    return settings.home / "dbt" / "target"


def manifest_path(settings: Settings) -> Path:
    """The manifest that Dagster's assets are made from; see ``orchestration.dbt.runner.ensure_manifest``."""
    return target_dir(settings) / "manifest.json"


def semantic_manifest_path(settings: Settings) -> Path:
    """Metrics and dimensions, which dbt writes beside the manifest whenever it parses."""
    return target_dir(settings) / "semantic_manifest.json"


def project_args(settings: Settings) -> list[str]:
    """Arguments common to all dbt invocations."""
    return [
        "--project-dir",
        str(settings.dbt_dir),
        "--profiles-dir",
        str(settings.dbt_dir),
        "--target-path",
        str(target_dir(settings)),
        "--log-path",
        str(settings.home / "dbt" / "logs"),
        "--log-level",
        "none",
    ]


def build_args(selection: Iterable[str]) -> list[str]:
    """Arguments that build a selection of nodes with their data tests.

    Unit tests stay out: dbt would run them against production at each build, and they are not checks of the data
    themselves. ``make test`` runs them. A test between two stages runs in the later one, when both sides are built: the
    project's ``indirect_selection`` says so.
    The manifest is not written again, twice a stage: nobody reads it but as it was parsed.
    """
    return ["build", *selection, "--exclude-resource-type", "unit_test", "--no-write-json"]


def manifest_is_stale(settings: Settings) -> bool:
    """Whether a source file of the dbt project is newer than its manifest, or there is none."""
    manifest = manifest_path(settings)
    if not manifest.exists():
        return True
    made = manifest.stat().st_mtime
    sources = (path for path in settings.dbt_dir.rglob("*") if path.suffix in {".sql", ".yml", ".csv", ".md"})
    return any(path.stat().st_mtime > made for path in sources)
