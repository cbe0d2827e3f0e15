"""Logins of people to the database itself, for those who come with a BI tool.

A login is a role of the person's own, member of the roles that hold their rights. Which person it is stands in
``access.login``, where the row policies look it up by ``session_user``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestration.warehouse.roles import READER_ROLES

Connection = psycopg.Connection[TupleRow]

#: Postgres cuts longer names, and two people's could become one.
_LONGEST_NAME = 63
_PASSWORD_BYTES = 24
_END_MS = 5000


class LoginError(RuntimeError):
    """A login cannot be made or changed as asked; nothing was changed. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A role's name and its password, which is known here and nowhere else: the server keeps a hash."""

    role_name: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.role_name!r})"


def create_login(connection: Connection, person_id: int, role_name: str, roles: Iterable[str]) -> Credentials:
    """Make a role that may log in, bind it to a person and give it their roles.

    Raises LoginError when the name is too long or the server has a role of that name, whoever's it is, and when this
    user may not make roles.
    """
    if not role_name or len(role_name.encode()) > _LONGEST_NAME:
        raise LoginError(
            f"A role's name has 1 to {_LONGEST_NAME} bytes, and {role_name!r} has {len(role_name.encode())}. Give "
            "another with --role."
        )
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    statement = sql.SQL("create role {} login password {}").format(
        sql.Identifier(role_name), sql.Literal(_hash(connection, role_name, password))
    )
    try:
        with connection.transaction():
            connection.execute(statement)
            connection.execute(
                "insert into access.login (role_name, person_id) values (%s, %s)", [role_name, person_id]
            )
            set_memberships(connection, role_name, roles)
    except (psycopg.errors.DuplicateObject, psycopg.errors.ReservedName):
        raise LoginError(
            f"The server has a role {role_name} already, or keeps the name for itself, and roles belong to all its "
            "databases. Give another name with --role."
        ) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoginError(_not_allowed(connection, error)) from None
    return Credentials(role_name, password)


def renew_password(connection: Connection, role_name: str) -> Credentials:
    """Give a login a new password; the one before is void. Raises LoginError when this user may not."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    statement = sql.SQL("alter role {} password {}").format(
        sql.Identifier(role_name), sql.Literal(_hash(connection, role_name, password))
    )
    try:
        with connection.transaction():
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoginError(_not_allowed(connection, error)) from None
    except psycopg.errors.UndefinedObject:
        raise LoginError(
            f"The server has no role {role_name} any more: somebody has dropped it. Take the login away and make it "
            "anew: mis person revoke EMAIL --login, then mis person login EMAIL."
        ) from None
    return Credentials(role_name, password)


def set_memberships(connection: Connection, role_name: str, roles: Iterable[str]) -> None:
    """Make a login member of these readers' roles and of no other reader's role; other roles are left alone.

    Raises LoginError when this user may not.
    """
    due = set(roles)
    if _number(connection, role_name) is None:
        return  # dropped behind our back: there is nothing that could read
    present = {
        role
        for (role,) in connection.execute(
            "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid"
            " join pg_roles l on l.oid = m.member where l.rolname = %s and r.rolname = any(%s)",
            [role_name, list(READER_ROLES)],
        )
    }
    login = sql.Identifier(role_name)
    try:
        with connection.transaction():
            for role in sorted(due - present):
                connection.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), login))
            for role in sorted(present - due):
                connection.execute(sql.SQL("revoke {} from {}").format(sql.Identifier(role), login))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject) as error:
        raise LoginError(_not_allowed(connection, error)) from None


def drop_login(connection: Connection, role_name: str) -> str | None:
    """Take a login away: it reads nothing from this moment on, its sessions are ended, the role is dropped.

    Returns a note when Postgres keeps the role because something belongs to it, or lets nobody but an administrator
    end its sessions; it is then locked. Raises LoginError when this user may not change the role.
    """
    connection.execute("delete from access.login where role_name = %s", [role_name])
    number = _number(connection, role_name)
    if number is None:
        return None
    role = sql.Identifier(role_name)
    set_memberships(connection, role_name, ())
    try:
        with connection.transaction():
            connection.execute(sql.SQL("alter role {} nologin").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        raise LoginError(_not_allowed(connection, error)) from None
    notes = [_end_sessions(connection, number, role_name)]
    try:
        with connection.transaction():
            connection.execute(sql.SQL("drop role {}").format(role))
    except psycopg.errors.DependentObjectsStillExist as error:
        notes.append(
            f"The role {role_name} is locked and reads nothing, but Postgres keeps it, because something depends on it "
            f"({error.diag.message_detail}). An administrator can: drop owned by {_quoted(role_name)}; "
            f"drop role {_quoted(role_name)};"
        )
    return " ".join(note for note in notes if note) or None


def _end_sessions(connection: Connection, number: int, role_name: str) -> str | None:
    try:
        with connection.transaction():
            # Waited for: a session's temporary tables belong to its role and would keep it from being dropped.
            connection.execute(
                "select pg_terminate_backend(pid, %s) from pg_stat_activity where usesysid = %s", [_END_MS, number]
            )
    except psycopg.errors.InsufficientPrivilege:
        return (
            f"Sessions of {role_name} that are open cannot be ended by {connection.info.user}; they read nothing any "
            "more."
        )
    return None


def _number(connection: Connection, role_name: str) -> int | None:
    row = connection.execute("select oid::bigint from pg_roles where rolname = %s", [role_name]).fetchone()
    return None if row is None else int(row[0])


def _hash(connection: Connection, role_name: str, password: str) -> str:
    # The server's log may keep statements: what is sent must not be the password.
    return connection.pgconn.encrypt_password(password.encode(), role_name.encode(), b"scram-sha-256").decode()


def _quoted(role_name: str) -> str:
    return '"' + role_name.replace('"', '""') + '"'


def _not_allowed(connection: Connection, error: psycopg.Error) -> str:
    user = connection.info.user
    return (
        f"{user} may not do that on this server ({error.diag.message_primary}). Ask an administrator to run: "
        f"alter role {_quoted(user)} createrole; grant {', '.join(READER_ROLES)} to {_quoted(user)} with admin option;"
    )
