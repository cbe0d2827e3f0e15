"""Bring the warehouse's tables to what this version of the platform expects."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg2.errors import InsufficientPrivilege

from orchestration.warehouse import migrations
from orchestration.warehouse.connection import Warehouse, WarehouseError

#: Any number, as long as nobody else in this database takes it: "mis migr" in hexadecimal.
_LOCK = 0x6D6973206D696772


def migrate(warehouse: Warehouse) -> None:
    """Run the migrations that have not run, all of them or none; do nothing when there are none.

    Of several processes that come at once the first migrates and the others wait. Raises WarehouseError when the
    user may not create schemas in the database.
    """
    config = Config()
    # Alembic's options are interpolated: a per cent sign in the folder's name is not one of them.
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    engine = sa.create_engine(warehouse.sqlalchemy_url, poolclass=sa.NullPool)
    try:
        _upgrade(engine, config, head)
    except sa.exc.ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        raise WarehouseError(
            f"{warehouse!r} lacks rights that the migrations need ({error.orig.diag.message_primary}). Let the user "
            "own the database: alter database ... owner to ..."
        ) from None


def _upgrade(engine: sa.Engine, config: Config, head: str | None) -> None:
    with engine.begin() as connection:
        # Freed with the transaction, or with the session of a process that is killed.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if _current(connection) == head:
            return
        connection.execute(sa.text("create schema if not exists ops"))  # alembic keeps its own table there
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(connection: sa.Connection) -> str | None:
    if connection.scalar(sa.text("select to_regclass('ops.alembic_version')")) is None:
        return None
    version: str | None = connection.scalar(sa.text("select version_num from ops.alembic_version"))
    return version
