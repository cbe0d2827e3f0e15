"""``mis person``: who may read which school, for what purpose, and how near to the single pupil."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer
from psycopg.rows import TupleRow

from orchestration.access.target_tasks import EVERY_SUBJECT, TargetGrant, TargetTask
from orchestration.commands.printing import AsJson, fail, out, print_json, print_table
from orchestration.ingest.categories import Purpose
from orchestration.settings import get_settings

if TYPE_CHECKING:
    from orchestration.access.logins import Credentials
    from orchestration.access.people import Person

person_app = typer.Typer(
    help="People: which schools they see, for what purpose, with names and small groups or without.",
    no_args_is_help=True,
)

Email = Annotated[str, typer.Argument(help="The person's e-mail address.", show_default=False)]
Schools = Annotated[
    list[str] | None,
    typer.Option(
        "--school",
        help="A school by number, URN, LAESTAB or name; may be given more than once.",
        show_default=False,
    ),
]
Purposes = Annotated[
    list[Purpose] | None, typer.Option("--purpose", help="A purpose; may be given more than once.", show_default=False)
]
Named = Annotated[bool, typer.Option("--named", help="Pupils' names, UPNs and addresses; needs --small-groups.")]
SmallGroups = Annotated[
    bool, typer.Option("--small-groups", help="Pupils' rows and figures of few pupils, which are else suppressed.")
]
SpecialCategory = Annotated[
    bool, typer.Option("--special-category", help="Ethnicity, language and SEND of pupils; needs --small-groups.")
]
TargetTasks = Annotated[
    list[TargetTask] | None,
    typer.Option(
        "--target-task",
        help="A task of target setting at the schools of --school, else at all they see; may be given more than once.",
        show_default=False,
    ),
]
Subjects = Annotated[
    list[str] | None,
    typer.Option("--subject", help="Limits the tasks to a subject, as estimates name it; may be given more than once."),
]
AllSchools = Annotated[bool, typer.Option("--all-schools", help="Every school that the partners list today.")]


@person_app.command("add")
def add_person(
    email: Email,
    *,
    name: Annotated[str, typer.Option("--name", help="Name to show.", show_default=False)],
    school: Schools = None,
    purpose: Purposes = None,
    named: Named = False,
    small_groups: SmallGroups = False,
    special_category: SpecialCategory = False,
    target_task: TargetTasks = None,
    subject: Subjects = None,
    all_schools: AllSchools = False,
    as_json: AsJson = False,
) -> None:
    """Add a person. Without --small-groups they read suppressed aggregates; without a school or purpose nothing."""
    from orchestration.access import people

    with _connection() as connection:
        schools = _schools(connection, school, all_schools)
        rights = people.Rights(
            schools,
            tuple(purpose or ()),
            named,
            small_groups,
            special_category,
            _tasks(schools, target_task, subject),
        )
        person = people.add(connection, email, name, rights)
        _show(connection, person, as_json)


@person_app.command("list")
def list_people(
    school: Annotated[str | None, typer.Option(help="Only those who see this school.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """List everybody, or who may see one school."""
    from orchestration.access import people

    with _connection() as connection:
        school_id = people.find_schools(connection, [school])[0] if school is not None else None
        found = people.people(connection, school_id=school_id)
    if as_json:
        print_json([person.as_json() for person in found])
        return
    print_table(
        ("email", "name", "schools", "purposes", "level", "login"),
        [
            (
                person.email,
                person.name,
                ", ".join(str(school_id) for school_id in person.school_ids),
                ", ".join(purpose.value for purpose in person.purposes),
                person.level.value,
                person.login,
            )
            for person in found
        ],
    )


@person_app.command("show")
def show_person(email: Email, as_json: AsJson = False) -> None:
    """Show a person's rights, and everything that was ever changed about them."""
    from orchestration.access import people

    with _connection() as connection:
        try:
            person = people.person_by_email(connection, email)
        except people.PersonError:
            _show_removed(connection, email, as_json)
            raise
        _show(connection, person, as_json, with_events=True)


@person_app.command("grant")
def grant_rights(
    email: Email,
    *,
    school: Schools = None,
    purpose: Purposes = None,
    named: Named = False,
    small_groups: SmallGroups = False,
    special_category: SpecialCategory = False,
    target_task: TargetTasks = None,
    subject: Subjects = None,
    all_schools: AllSchools = False,
    as_json: AsJson = False,
) -> None:
    """Give a person more; their login, if they have one, follows at once."""
    from orchestration.access import people

    with _connection() as connection:
        person = people.person_by_email(connection, email)
        schools = _schools(connection, school, all_schools)
        rights = people.Rights(
            schools,
            tuple(purpose or ()),
            named,
            small_groups,
            special_category,
            _tasks(schools or person.school_ids, target_task, subject),
        )
        _show(connection, people.grant(connection, person, rights), as_json)


@person_app.command("revoke")
def revoke_rights(
    email: Email,
    *,
    school: Schools = None,
    purpose: Purposes = None,
    named: Named = False,
    small_groups: SmallGroups = False,
    special_category: SpecialCategory = False,
    target_task: TargetTasks = None,
    subject: Subjects = None,
    login: Annotated[
        bool, typer.Option("--login", help="Their login to the database; its open sessions are ended.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take rights or the login from a person, at once. Without --small-groups nobody sees names either.

    With --target-task the tasks are taken, and the schools of --school stay.
    """
    from orchestration.access import people

    with _connection() as connection:
        person = people.person_by_email(connection, email)
        schools = _schools(connection, school, False)
        places = schools or person.school_ids
        tasks = _tasks(places, target_task, subject)
        if not subject:  # the task goes in whatever subjects they have it
            held = [one for one in person.target_grants if one.task in (target_task or ()) and one.school_id in places]
            tasks = tuple(held) or tasks
        rights = people.Rights(
            () if tasks else schools, tuple(purpose or ()), named, small_groups, special_category, tasks
        )
        notes = [people.close_login(connection, person)] if login else []
        if not login or rights != people.Rights():
            people.revoke(connection, people.person_by_email(connection, email), rights)
        _show(connection, people.person_by_email(connection, email), as_json, notes=notes)


@person_app.command("remove")
def remove_person(email: Email) -> None:
    """Forget a person with their rights and login. The record of what was changed stays."""
    from orchestration.access import people

    with _connection() as connection:
        person = people.person_by_email(connection, email)
        note = people.remove(connection, person)
    out.print(f"{person.email} is removed.", markup=False)
    if note is not None:
        out.print(note, markup=False)


@person_app.command("login")
def make_login(
    email: Email,
    role: Annotated[
        str | None, typer.Option(help="Name of the database role; the e-mail address if not given.", show_default=False)
    ] = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Give the login that they have a new password.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a person log in to the database themselves, for a BI tool. The password is shown this once."""
    from orchestration.access import people

    with _connection() as connection:
        person = people.person_by_email(connection, email)
        if new_password:
            credentials = people.renew_login(connection, person)
        else:
            credentials = people.open_login(connection, person, role or person.email)
        address = {
            "host": connection.info.host,
            "port": connection.info.port,
            "database": connection.info.dbname,
        }
    _show_credentials(credentials, address, person, as_json)


@contextmanager
def _connection() -> Iterator[psycopg.Connection[TupleRow]]:
    """Connect to the migrated warehouse; the changes are one transaction, and a refusal ends the command plainly."""
    from orchestration.access.logins import LoginError
    from orchestration.access.people import PersonError
    from orchestration.runtime import warehouse_ready

    with warehouse_ready(get_settings()) as warehouse:
        try:
            with warehouse.connect() as connection:
                yield connection
        except (PersonError, LoginError) as error:
            fail(str(error))


def _schools(
    connection: psycopg.Connection[TupleRow], given: Sequence[str] | None, all_schools: bool
) -> tuple[int, ...]:
    from orchestration.access import people

    return people.every_school(connection) if all_schools else people.find_schools(connection, tuple(given or ()))


def _tasks(
    school_ids: Sequence[int], tasks: Sequence[TargetTask] | None, subjects: Sequence[str] | None
) -> tuple[TargetGrant, ...]:
    if subjects and not tasks:
        raise typer.BadParameter("say for which tasks, with --target-task.", param_hint="--subject")
    return tuple(
        TargetGrant(school_id, task, subject)
        for school_id in school_ids
        for task in tasks or ()
        for subject in subjects or (EVERY_SUBJECT,)
    )


def _show(
    connection: psycopg.Connection[TupleRow],
    person: Person,
    as_json: bool,
    *,
    with_events: bool = False,
    notes: Sequence[str | None] = (),
) -> None:
    from orchestration.access import people

    happened = people.events(connection, person.email) if with_events else []
    if as_json:
        whole: dict[str, Any] = person.as_json()
        if with_events:
            whole["events"] = [event.as_json() for event in happened]
        print_json(whole)
        return
    names: dict[int, str] = dict(connection.execute("select school_id, name from ops.school").fetchall())
    out.print(f"{person.name} <{person.email}>", markup=False)
    for title, value in (
        ("schools", "; ".join(f"{number} {names[number]}" for number in person.school_ids)),
        ("purposes", ", ".join(purpose.value for purpose in person.purposes)),
        ("level", _LEVELS[person.level.value] + (", special category" if person.can_view_special_category else "")),
        ("targets", _tasks_by_school(person.target_grants)),
        ("login", person.login or ""),
    ):
        out.print(f"  {title}: {value or 'none'}", markup=False)
    if not person.school_ids or not person.purposes:
        out.print(
            f"They see nothing yet: mis person grant {person.email} --school ... --purpose ...",
            markup=False,
        )
    for note in notes:
        if note is not None:
            out.print(note, markup=False)
    if with_events:
        _print_events(happened)


def _tasks_by_school(grants: Sequence[TargetGrant]) -> str:
    """Tasks in a line: schools with the same tasks are named together."""
    tasks: dict[int, list[str]] = {}
    for grant in grants:
        subject = "" if grant.subject == EVERY_SUBJECT else f" in {grant.subject}"
        tasks.setdefault(grant.school_id, []).append(f"{grant.task}{subject}")
    schools: dict[str, list[str]] = {}
    for school_id, named in tasks.items():
        schools.setdefault(", ".join(named), []).append(str(school_id))
    return "; ".join(f"{named} at school {', '.join(numbers)}" for named, numbers in schools.items())


def _show_removed(connection: psycopg.Connection[TupleRow], email: str, as_json: bool) -> None:
    """Of somebody who is gone the record is left, and whoever asks wants it."""
    from orchestration.access import people

    happened = people.events(connection, email)
    if not happened:
        return
    if as_json:
        print_json({"email": email, "events": [event.as_json() for event in happened]})
    else:
        _print_events(happened)
    raise typer.Exit(0)


def _print_events(happened: Sequence[Any]) -> None:
    print_table(
        ("when", "who", "what", "details"),
        [
            (
                f"{event.occurred_at:%Y-%m-%d %H:%M}",
                event.actor,
                event.action,
                "; ".join(f"{name}: {_listed(value)}" for name, value in event.details.items()),
            )
            for event in happened
        ],
    )


def _listed(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _show_credentials(credentials: Credentials, address: dict[str, Any], person: Person, as_json: bool) -> None:
    if as_json:
        print_json({**address, "user": credentials.role_name, "password": credentials.password})
        return
    for name, value in {**address, "user": credentials.role_name, "password": credentials.password}.items():
        out.print(f"{name}: {value}", markup=False, highlight=False, soft_wrap=True)
    out.print(
        f"The password is not kept and not shown again. Give it to {person.name} by another way than this address.",
        markup=False,
    )


_LEVELS = {
    "aggregates": "aggregates, small numbers suppressed",
    "pupils": "pupils' rows and small groups, no names",
    "named": "pupils' rows and small groups, with names",
}
