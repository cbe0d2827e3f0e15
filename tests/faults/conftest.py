"""What the tests of faults share."""

from __future__ import annotations

import pytest
from faulty_installation import Installations

from orchestration.warehouse.cluster import Cluster


@pytest.fixture(scope="session")
def installations(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Installations:
    """Makes installations with a sandbox of their own."""
    return Installations(cluster, tmp_path_factory.mktemp("faults"))
