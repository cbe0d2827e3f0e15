"""Reading the published data on a person's behalf, with their rights and no others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestration.access.people import Person
from orchestration.ingest.categories import Purpose


class NotAllowed(RuntimeError):
    """A person may not read for a purpose, or the platform may not read as anybody; the text says what to do."""


@contextmanager
def reading_as(
    connection: psycopg.Connection[TupleRow], person: Person, purpose: Purpose = Purpose.ATTENDANCE
) -> Iterator[None]:
    """Read as a person within the block: the same relations and rows as with a login of their own.

    The block is a transaction, or a part of the caller's, of which the caller should have none that reads for another
    person; role and person are those of before when it ends. The connection must be the platform's own: a person's
    login stays that person. Rights are asked of the database at each statement, so that a school revoked a moment ago
    is not read; the level is that of ``person``, who should be read anew for each request.

    Raises NotAllowed when the person does not have the purpose, or this user may not take on their role.
    """
    if purpose not in person.purposes:
        raise NotAllowed(
            f"{person.email} may not read for the purpose {purpose.value}. An operator can allow it: "
            f"mis person grant {person.email} --purpose {purpose.value}"
        )
    role = person.role(purpose)
    with connection.transaction():
        before = connection.execute("select current_setting('role'), current_setting('mis.person_id', true)").fetchone()
        assert before is not None
        connection.execute("select set_config('mis.person_id', %s, true)", [str(person.person_id)])
        try:
            with connection.transaction():
                connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        except psycopg.errors.InsufficientPrivilege:
            raise NotAllowed(
                f"{connection.info.user} may not read on behalf of people on this server. Ask an administrator to run: "
                f"grant {role} to {connection.info.user};"
            ) from None
        yield
        connection.execute(
            "select set_config('role', %s, true), set_config('mis.person_id', %s, true)", [before[0], before[1] or ""]
        )


@contextmanager
def as_platform(connection: psycopg.Connection[TupleRow]) -> Iterator[None]:
    """The platform's own rights for a block within ``reading_as``: for what it does after checks of its own."""
    with connection.transaction():
        before = connection.execute("select current_setting('role')").fetchone()
        assert before is not None
        connection.execute("select set_config('role', 'none', true)")
        yield
        connection.execute("select set_config('role', %s, true)", [before[0]])
