"""What assets are given: the settings, a lease of the warehouse, and a partner."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import sqlalchemy as sa

from orchestration.connectors.base import Partner
from orchestration.partners import open_partners
from orchestration.settings import Settings, get_settings
from orchestration.warehouse.connection import Warehouse, warehouse


class Platform(dg.ConfigurableResource[None]):
    """The platform as this process is configured: everything comes from :mod:`orchestration.settings`."""

    @property
    def settings(self) -> Settings:
        """Settings of the process."""
        return get_settings()

    @contextmanager
    def warehouse(self) -> Iterator[Warehouse]:
        """The warehouse, leased for the block: an embedded server is started when nobody else has."""
        with warehouse(self.settings) as leased:
            yield leased

    def partners(self) -> dict[str, Partner]:
        """The partners whose schools are extracted, by name."""
        return open_partners(self.settings)


@contextmanager
def engine(leased: Warehouse) -> Iterator[sa.Engine]:
    """A SQLAlchemy engine on the warehouse, for Great Expectations; its connections end with the block."""
    opened = sa.create_engine(leased.sqlalchemy_url, pool_size=1)
    try:
        yield opened
    finally:
        opened.dispose()
