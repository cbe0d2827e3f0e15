"""Fixtures: one running sandbox that tests only read, a helper that reads every page, a school generated in process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from groupcall_reader import Groupcall

from sandbox import Sandbox, running
from sandbox.schools import plan
from sandbox.world import SchoolData, generate

SEED = 11
YEARS = [2023, 2024, 2025]

Row = dict[str, Any]
ReadAll = Callable[..., list[Row]]


@pytest.fixture(scope="session")
def partner() -> Iterator[Sandbox]:
    """Six small schools, the fifth of them with its own attendance codes."""
    with running(schools=6, size=0.1, seed=SEED) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def client(partner: Sandbox) -> Iterator[httpx.Client]:
    """A client of ``partner`` with the token."""
    headers = {"Authorization": f"Bearer {partner.token}"}
    with httpx.Client(base_url=partner.url, headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def school_ids(partner: Sandbox) -> list[str]:
    """Ids of the approved schools: primary, secondary, all-through, ..."""
    return [school["id"] for school in partner.get("schools", per_page=100)["data"]]


@pytest.fixture
def read_all(client: httpx.Client) -> ReadAll:
    """Every row of a list, page by page along ``next``."""

    def read(path: str, **query: Any) -> list[Row]:
        answer = client.get(path, params={"per_page": 500, **query}).raise_for_status().json()
        rows: list[Row] = answer["data"]
        while answer["meta"]["pagination"]["next"]:
            answer = client.get(answer["meta"]["pagination"]["next"]).raise_for_status().json()
            rows += answer["data"]
        return rows

    return read


@pytest.fixture(scope="session")
def schools() -> dict[str, SchoolData]:
    """A primary, a secondary and an all-through school of a third of the usual size, in process."""
    planned = plan(SEED, 3, 0.35)[:3]
    return {school.phase: generate(school, SEED, YEARS) for school in planned}


@pytest.fixture(scope="session")
def groupcall(partner: Sandbox) -> Groupcall:
    """A reader of the Groupcall side of ``partner``."""
    return Groupcall(partner)
