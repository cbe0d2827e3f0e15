"""Configuration: defaults, where home lies, and what is refused at the start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from orchestration.settings import Settings, get_settings

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in os.environ:
        if name.startswith("MIS_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def test_nothing_needs_to_be_set() -> None:
    settings = Settings()
    assert settings.environment == "local"
    assert settings.database_url is None
    assert settings.wonde_url is None
    assert settings.sandbox_today == date(2025, 7, 18)
    assert settings.home == PROJECT / ".mis"
    assert settings.archive == str(PROJECT / ".mis" / "archive")
    assert settings.reports_dir == PROJECT / ".mis" / "gate_reports"
    assert settings.dbt_dir == PROJECT / "dbt_project"
    assert settings.expectations_dir == PROJECT / "expectations"


def test_home_does_not_depend_on_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIS_HOME", "elsewhere")
    assert Settings().home == PROJECT / "elsewhere"


def test_an_absolute_home_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIS_HOME", str(tmp_path))
    monkeypatch.setenv("MIS_ARCHIVE_URL", "s3://bucket/archive")
    assert Settings().home == tmp_path
    assert Settings().archive == "s3://bucket/archive"


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("MIS_PAGE_SIZE", "")
    assert Settings().database_url is None
    assert Settings().page_size == 200


def test_an_unknown_environment_name_is_an_error_that_names_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIS_ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="'local', 'server' or 'citus'"):
        Settings()


@pytest.mark.parametrize("environment", ["server", "citus"])
def test_a_server_environment_needs_a_server(monkeypatch: pytest.MonkeyPatch, environment: str) -> None:
    monkeypatch.setenv("MIS_ENVIRONMENT", environment)
    with pytest.raises(ValidationError, match="needs DATABASE_URL"):
        Settings()
    monkeypatch.setenv("DATABASE_URL", "postgresql://mis:pw@db.example/warehouse")
    assert Settings().environment == environment


@pytest.mark.parametrize("url", ["mysql://mis:hunter2@db/warehouse", "postgresql://mis:hunter2@db", "hunter2"])
def test_a_wrong_database_url_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    with pytest.raises(ValidationError, match="with the name of the database") as caught:
        Settings()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["MIS_PAGE_SIZE", "MIS_PARTNER_CONCURRENCY", "MIS_MAX_ATTEMPTS", "MIS_REQUESTS_PER_SECOND"]
)
def test_nothing_and_less_are_no_limits(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "0")
    with pytest.raises(ValidationError, match="greater than 0"):
        Settings()


def test_two_places_for_one_token_are_one_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MIS_WONDE_TOKEN", "t0ken")
    monkeypatch.setenv("MIS_WONDE_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ValidationError, match="not both") as caught:
        Settings()
    assert "t0ken" not in str(caught.value)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIS_WONDE_TOKEN", "t0ken")
    monkeypatch.setenv("DATABASE_URL", "postgresql://mis:hunter2@db.example/warehouse")
    shown = f"{Settings()!r} {Settings()} {Settings().model_dump_json()}"
    assert "t0ken" not in shown
    assert "hunter2" not in shown


def test_the_process_reads_its_settings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = get_settings()
    monkeypatch.setenv("MIS_PAGE_SIZE", "50")
    assert get_settings() is first
    get_settings.cache_clear()
    assert get_settings().page_size == 50
