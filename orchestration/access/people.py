"""People and their rights, as ``access.person`` and its grants hold them; every change is an event that stays.

A person sees the schools granted to them, in the purposes granted to them, at the level that their two rights make:
aggregates with small numbers suppressed; with ``can_view_small_groups`` pupils' rows; with ``can_view_named`` as well
their names (DfE's Analyse School Performance has the same named and unnamed roles; methodology 5.4). Relations of
special-category data need ``can_view_special_category`` beside pupils' rows, and each task of target setting a grant.
"""

from __future__ import annotations

import difflib
import getpass
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from orchestration.access.logins import (
    Credentials,
    create_login,
    drop_login,
    renew_password,
    set_memberships,
)
from orchestration.access.target_tasks import TargetGrant, TargetTask, give, take, target_grants
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.roles import Level, reader_role

Connection = psycopg.Connection[TupleRow]

_EMAIL = re.compile(r"[^@\s\"'<>]+@[^@\s\"'<>]+\.[^@\s\"'<>]+")
_NEAR = 5


class PersonError(RuntimeError):
    """A person's rights cannot be read or changed as asked; nothing was changed. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may read published data; ``login`` is their database role, if they have one."""

    person_id: int
    email: str
    name: str
    school_ids: tuple[int, ...]
    purposes: tuple[Purpose, ...]
    can_view_named: bool
    can_view_small_groups: bool
    login: str | None = None
    can_view_special_category: bool = False
    target_grants: tuple[TargetGrant, ...] = ()

    @property
    def level(self) -> Level:
        """How near to the single pupil they may come. Names alone, without pupils' rows, are no level."""
        if not self.can_view_small_groups:
            return Level.AGGREGATES
        return Level.NAMED if self.can_view_named else Level.PUPILS

    @property
    def roles(self) -> tuple[str, ...]:
        """The database roles that hold their rights, one a purpose."""
        return tuple(self.role(purpose) for purpose in self.purposes)

    def role(self, purpose: Purpose) -> str:
        """The database role that holds their rights in a purpose."""
        return reader_role(purpose, self.level, special=self.can_view_special_category)

    def may(self, task: TargetTask, school_id: int, subject: str) -> bool:
        """Tell whether they may do a task of target setting: the task is theirs, and the school, purpose and pupils."""
        return (
            Purpose.BENCHMARKS in self.purposes
            and school_id in self.school_ids
            and self.level is not Level.AGGREGATES
            and any(grant.covers(school_id, task, subject) for grant in self.target_grants)
        )

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return {
            "person_id": self.person_id,
            "email": self.email,
            "name": self.name,
            "school_ids": list(self.school_ids),
            "purposes": [purpose.value for purpose in self.purposes],
            "can_view_named": self.can_view_named,
            "can_view_small_groups": self.can_view_small_groups,
            "can_view_special_category": self.can_view_special_category,
            "target_tasks": [str(grant) for grant in self.target_grants],
            "login": self.login,
        }


@dataclass(frozen=True, slots=True)
class Rights:
    """What is given to a person or taken from them; empty is nothing."""

    school_ids: tuple[int, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    named: bool = False
    small_groups: bool = False
    special_category: bool = False
    target_grants: tuple[TargetGrant, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What there is of it, in plain types for ``json``."""
        whole: dict[str, Any] = {
            "school_ids": list(self.school_ids),
            "purposes": [purpose.value for purpose in self.purposes],
            "named": self.named,
            "small_groups": self.small_groups,
            "special_category": self.special_category,
            "target_tasks": [str(grant) for grant in self.target_grants],
        }
        return {name: value for name, value in whole.items() if value}


@dataclass(frozen=True, slots=True)
class Event:
    """One change of a person's rights: when, who changed it, what was done and with what."""

    occurred_at: datetime
    actor: str
    email: str
    action: str
    details: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return {
            "occurred_at": self.occurred_at.isoformat(),
            "actor": self.actor,
            "email": self.email,
            "action": self.action,
            "details": self.details,
        }


def actor() -> str:
    """Return the operating system's user of this process, or the number of one without a name (in a container)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the latter from Python 3.13 on
        return f"uid {os.getuid()}"


def people(connection: Connection, *, school_id: int | None = None) -> list[Person]:
    """Return everybody in order of address; with ``school_id`` those who may see that school."""
    return _read(connection, school_id=school_id)


def person_by_email(connection: Connection, email: str) -> Person:
    """Return the person of an address, in whatever case it is written. Raises PersonError for a stranger."""
    found = _read(connection, email=_normal(email))
    if not found:
        near = difflib.get_close_matches(_normal(email), [person.email for person in _read(connection)], _NEAR)
        hint = f" Did you mean {', '.join(near)}?" if near else " `mis person list` shows everybody."
        raise PersonError(f"There is no person {email}.{hint}")
    return found[0]


def person_by_id(connection: Connection, person_id: int) -> Person:
    """Return the person of a number: who signed in before. Raises PersonError when they have been removed."""
    found = _read(connection, person_id=person_id)
    if not found:
        raise PersonError(f"There is no person with the number {person_id}: they have been removed.")
    return found[0]


def events(connection: Connection, email: str) -> list[Event]:
    """Return what has been changed about an address, the earliest first; also of somebody who has been removed."""
    rows = connection.execute(
        "select occurred_at, actor, email, action, details from access.person_event where email = %s order by event_id",
        [_normal(email)],
    )
    return [Event(*row) for row in rows]


def find_schools(connection: Connection, given: Sequence[str]) -> tuple[int, ...]:
    """Return the ids of schools given by id, URN, LAESTAB or name.

    Raises PersonError when one is none of these, with those that come near it, or the name of several.
    """
    schools: list[tuple[int, str, str, str]] = [
        (school_id, name, str(urn or ""), laestab or "")
        for school_id, name, urn, laestab in connection.execute(
            "select school_id, name, urn, laestab from ops.school order by school_id"
        )
    ]
    return tuple(sorted({_find_school(schools, one.strip()) for one in given}))


def every_school(connection: Connection) -> tuple[int, ...]:
    """Return the ids of all schools that the partners list today."""
    return tuple(school_id for (school_id,) in connection.execute("select school_id from ops.school order by 1"))


def add(connection: Connection, email: str, name: str, rights: Rights) -> Person:
    """Add a person with rights. Raises PersonError for an address that is none or is known, or an empty name."""
    address = _normal(email)
    if not _EMAIL.fullmatch(address):
        raise PersonError(f"{email!r} is no e-mail address: name@organisation.example.")
    if not name.strip():
        raise PersonError("A person needs a name: --name 'Ada Head'.")
    _refuse_without_pupils_rows(rights, has_them=rights.small_groups)
    with connection.transaction():
        row = connection.execute(
            "insert into access.person (email, name) values (%s, %s) on conflict do nothing returning person_id",
            [address, name.strip()],
        ).fetchone()
        if row is None:
            raise PersonError(f"{address} is known already. Give them more with: mis person grant {address} ...")
        _record(connection, row[0], address, "added", {"name": name.strip()})
        person = person_by_id(connection, row[0])
        return grant(connection, person, rights) if rights != Rights() else person


def grant(connection: Connection, person: Person, rights: Rights) -> Person:
    """Give a person rights beside those they have, and return them as they are then.

    Raises PersonError when nothing is given, and when names, special category or target tasks are given without pupils'
    rows, or a task at a school that they do not see.
    """
    _refuse_nothing(rights, "grant")
    _refuse_without_pupils_rows(rights, has_them=rights.small_groups or person.can_view_small_groups)
    unseen = {grant.school_id for grant in rights.target_grants} - {*rights.school_ids, *person.school_ids}
    if unseen:
        raise PersonError(f"{person.email} does not see school {min(unseen)}: give it with --school.")
    with connection.transaction():
        connection.execute(
            "insert into access.grant_school (person_id, school_id) select %s, unnest(%s::int[])"
            " on conflict do nothing",
            [person.person_id, list(rights.school_ids)],
        )
        connection.execute(
            "insert into access.grant_purpose (person_id, purpose) select %s, unnest(%s::text[])"
            " on conflict do nothing",
            [person.person_id, [purpose.value for purpose in rights.purposes]],
        )
        connection.execute(
            "update access.person set can_view_named = can_view_named or %s,"
            " can_view_small_groups = can_view_small_groups or %s,"
            " can_view_special_category = can_view_special_category or %s where person_id = %s",
            [rights.named, rights.small_groups, rights.special_category, person.person_id],
        )
        give(connection, person.person_id, rights.target_grants)
        return _changed(connection, person, "granted", rights)


def revoke(connection: Connection, person: Person, rights: Rights) -> Person:
    """Take rights from a person, and return them as they are then.

    Without pupils' rows they see no names and no special category either; without a school they have no tasks there.
    Raises PersonError when nothing is taken, or when they do not have a school, purpose or task that is to be taken.
    """
    _refuse_nothing(rights, "revoke")
    lacking = [
        *(f"school {school_id}" for school_id in rights.school_ids if school_id not in person.school_ids),
        *(f"purpose {purpose.value}" for purpose in rights.purposes if purpose not in person.purposes),
        *(f"the task {grant}" for grant in rights.target_grants if grant not in person.target_grants),
    ]
    if lacking:
        raise PersonError(
            f"{person.email} does not have {', '.join(lacking)}; `mis person show {person.email}` says what they have. "
            "Nothing was revoked."
        )
    with connection.transaction():
        connection.execute(
            "delete from access.grant_school where person_id = %s and school_id = any(%s)",
            [person.person_id, list(rights.school_ids)],
        )
        connection.execute(
            "delete from access.grant_purpose where person_id = %s and purpose = any(%s)",
            [person.person_id, [purpose.value for purpose in rights.purposes]],
        )
        connection.execute(
            "update access.person set can_view_named = can_view_named and not %s,"
            " can_view_small_groups = can_view_small_groups and not %s,"
            " can_view_special_category = can_view_special_category and not %s where person_id = %s",
            [
                rights.named or rights.small_groups,
                rights.small_groups,
                rights.special_category or rights.small_groups,
                person.person_id,
            ],
        )
        take(connection, person.person_id, rights.target_grants, school_ids=rights.school_ids)
        return _changed(connection, person, "revoked", rights)


def remove(connection: Connection, person: Person) -> str | None:
    """Forget a person, their rights and their login; returns :func:`close_login`'s note. The record of it stays."""
    with connection.transaction():
        note = close_login(connection, person) if person.login is not None else None
        connection.execute("delete from access.person where person_id = %s", [person.person_id])
        _record(connection, person.person_id, person.email, "removed", {})
    return note


def open_login(connection: Connection, person: Person, role_name: str) -> Credentials:
    """Make a person's login to the database, with their rights.

    Raises PersonError when they have one, LoginError when the server does not let us.
    """
    if person.login is not None:
        raise PersonError(
            f"{person.email} has the login {person.login}. A new password: mis person login {person.email} "
            "--new-password"
        )
    with connection.transaction():
        credentials = create_login(connection, person.person_id, role_name, person.roles)
        _record(connection, person.person_id, person.email, "login created", {"role_name": role_name})
    return credentials


def renew_login(connection: Connection, person: Person) -> Credentials:
    """Give a person's login a new password. Raises PersonError when they have none, LoginError as the server does."""
    if person.login is None:
        raise PersonError(f"{person.email} has no login yet. Make one: mis person login {person.email}")
    with connection.transaction():
        credentials = renew_password(connection, person.login)
        _record(connection, person.person_id, person.email, "password renewed", {"role_name": person.login})
    return credentials


def close_login(connection: Connection, person: Person) -> str | None:
    """Drop a person's login at once, with its sessions; returns a note for an administrator where that was not all.

    Raises PersonError when they have none, LoginError when the server does not let us.
    """
    if person.login is None:
        raise PersonError(f"{person.email} has no login.")
    with connection.transaction():
        note = drop_login(connection, person.login)
        _record(connection, person.person_id, person.email, "login dropped", {"role_name": person.login})
    return note


def _changed(connection: Connection, person: Person, action: str, rights: Rights) -> Person:
    _record(connection, person.person_id, person.email, action, rights.as_json())
    now = person_by_id(connection, person.person_id)
    if now.login is not None:
        set_memberships(connection, now.login, now.roles)
    return now


def _read(
    connection: Connection,
    *,
    email: str | None = None,
    person_id: int | None = None,
    school_id: int | None = None,
) -> list[Person]:
    rows = connection.execute(
        """
        select p.person_id, p.email, p.name,
               array(select school_id from access.grant_school g where g.person_id = p.person_id order by 1),
               array(select purpose from access.grant_purpose g where g.person_id = p.person_id order by 1),
               p.can_view_named, p.can_view_small_groups, l.role_name, p.can_view_special_category,
               array(select to_jsonb(g) from access.grant_target g where g.person_id = p.person_id)
        from access.person p
        left join access.login l using (person_id)
        where (%(email)s::text is null or p.email = %(email)s)
            and (%(person_id)s::bigint is null or p.person_id = %(person_id)s)
            and (%(school_id)s::int is null or exists (
                select from access.grant_school g where g.person_id = p.person_id and g.school_id = %(school_id)s
            ))
        order by p.email
        """,
        {"email": email, "person_id": person_id, "school_id": school_id},
    ).fetchall()
    return [
        Person(
            number,
            address,
            name,
            tuple(schools),
            tuple(Purpose(purpose) for purpose in purposes),
            named,
            small_groups,
            login,
            special,
            target_grants(tasks),
        )
        for number, address, name, schools, purposes, named, small_groups, login, special, tasks in rows
    ]


def _record(connection: Connection, person_id: int, email: str, action: str, details: dict[str, Any]) -> None:
    connection.execute(
        "insert into access.person_event (actor, person_id, email, action, details) values (%s, %s, %s, %s, %s)",
        [actor(), person_id, email, action, Jsonb(details)],
    )


def _refuse_nothing(rights: Rights, command: str) -> None:
    if rights == Rights():
        raise PersonError(
            f"Say what to {command}: --school, --purpose, --small-groups, --named, --special-category or --target-task."
        )


def _refuse_without_pupils_rows(rights: Rights, *, has_them: bool) -> None:
    if has_them:
        return
    if rights.named:
        raise PersonError("Names are of pupils' rows: give --small-groups together with --named.")
    if rights.special_category:
        raise PersonError("Special category is of pupils' rows: give --small-groups together with --special-category.")
    if rights.target_grants:
        raise PersonError("Targets are pupils' rows: give --small-groups together with --target-task.")


def _find_school(schools: Sequence[tuple[int, str, str, str]], given: str) -> int:
    exact = [
        school for school in schools if given.casefold() in {str(school[0]), school[1].casefold(), school[2], school[3]}
    ]
    if len(exact) == 1:
        return exact[0][0]
    if exact:
        listed = "; ".join(f"{number} {name} (LAESTAB {laestab})" for number, name, _, laestab in exact)
        raise PersonError(f"{given!r} is the name of several schools: {listed}. Give the number.")
    near = _near(schools, given)
    if near:
        listed = "; ".join(f"{number} {name}" for number, name in near)
        raise PersonError(f"There is no school {given!r}. Did you mean: {listed}?")
    raise PersonError(f"There is no school {given!r}. `mis status` lists the schools with their numbers.")


def _near(schools: Iterable[tuple[int, str, str, str]], given: str) -> list[tuple[int, str]]:
    """Schools in whose name the text stands, then those that are spelt or numbered alike."""
    wanted = given.casefold()
    likeness: list[tuple[float, int, str]] = []
    for number, name, urn, laestab in schools:
        if wanted and wanted in name.casefold():
            likeness.append((1.0, number, name))
            continue
        spellings = (name.casefold(), *name.casefold().split(), str(number), urn, laestab)
        ratio = max(difflib.SequenceMatcher(None, wanted, spelling).ratio() for spelling in spellings)
        likeness.append((ratio, number, name))
    best = sorted((one for one in likeness if one[0] >= 0.6), key=lambda one: (-one[0], one[1]))
    return [(number, name) for _, number, name in best[:_NEAR]]


def _normal(email: str) -> str:
    return email.strip().lower()
