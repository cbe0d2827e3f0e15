"""People and their rights: what is given and taken, what is refused and why, and what stays on record."""

from __future__ import annotations

import psycopg
import pytest

from orchestration.access import people
from orchestration.access.people import PersonError, Rights
from orchestration.access.target_tasks import TargetGrant, TargetTask
from orchestration.ingest.categories import Purpose
from orchestration.warehouse.roles import Level

ATTENDANCE = Rights(school_ids=(1,), purposes=(Purpose.ATTENDANCE,))


def test_a_person_is_added_with_what_they_may(owner: psycopg.Connection) -> None:
    added = people.add(owner, " Ada@Elm.example ", " Ada Head ", ATTENDANCE)
    assert (added.email, added.name) == ("ada@elm.example", "Ada Head")
    assert (added.school_ids, added.purposes) == ((1,), (Purpose.ATTENDANCE,))
    assert (added.can_view_named, added.can_view_small_groups, added.login) == (False, False, None)
    assert people.person_by_email(owner, "ADA@elm.example") == added
    assert people.person_by_id(owner, added.person_id) == added
    assert people.people(owner) == people.people(owner, school_id=1) == [added]
    assert people.people(owner, school_id=2) == []


@pytest.mark.parametrize(
    ("rights", "level", "roles"),
    [
        ({}, Level.AGGREGATES, ("mis_attendance_aggregates", "mis_provisioning")),
        ({"small_groups": True}, Level.PUPILS, ("mis_attendance", "mis_provisioning")),
        ({"small_groups": True, "named": True}, Level.NAMED, ("mis_attendance_named", "mis_provisioning")),
    ],
)
def test_two_rights_make_three_levels(
    owner: psycopg.Connection, rights: dict[str, bool], level: Level, roles: tuple[str, ...]
) -> None:
    person = people.add(
        owner, "ada@elm.example", "Ada", Rights(purposes=(Purpose.ATTENDANCE, Purpose.PROVISIONING), **rights)
    )
    assert (person.level, person.roles) == (level, roles)


def test_rights_are_given_and_taken(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", ATTENDANCE)
    ada = people.grant(
        owner, ada, Rights(school_ids=(1, 3), purposes=(Purpose.TRACKING,), small_groups=True, named=True)
    )
    assert (ada.school_ids, ada.purposes) == ((1, 3), (Purpose.ATTENDANCE, Purpose.TRACKING))
    assert ada.level is Level.NAMED
    ada = people.revoke(owner, ada, Rights(school_ids=(1,), purposes=(Purpose.TRACKING,)))
    assert (ada.school_ids, ada.purposes, ada.level) == ((3,), (Purpose.ATTENDANCE,), Level.NAMED)
    ada = people.revoke(owner, ada, Rights(named=True))
    assert ada.level is Level.PUPILS


EDIT_MATHS = TargetGrant(1, TargetTask.EDIT, "Mathematics")
APPROVE = TargetGrant(3, TargetTask.APPROVE)
TARGETS = Rights((1, 3), (Purpose.BENCHMARKS,), small_groups=True, target_grants=(EDIT_MATHS, APPROVE))


def test_a_task_is_of_one_school_and_subject(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", TARGETS)
    assert ada.target_grants == (EDIT_MATHS, APPROVE)
    assert ada.may(TargetTask.EDIT, 1, "Mathematics")
    assert ada.may(TargetTask.APPROVE, 3, "History")
    assert not ada.may(TargetTask.EDIT, 1, "History")
    assert not ada.may(TargetTask.EDIT, 3, "Mathematics")
    assert not ada.may(TargetTask.LOCK, 3, "History")


@pytest.mark.parametrize(
    "taken",
    [
        Rights(purposes=(Purpose.BENCHMARKS,)),
        Rights(small_groups=True),
        Rights(school_ids=(1,)),
        Rights(target_grants=(EDIT_MATHS,)),
    ],
)
def test_a_task_needs_the_purpose_the_school_and_pupils_rows(owner: psycopg.Connection, taken: Rights) -> None:
    ada = people.revoke(owner, people.add(owner, "ada@elm.example", "Ada", TARGETS), taken)
    assert not ada.may(TargetTask.EDIT, 1, "Mathematics")
    assert ada.target_grants == ((APPROVE,) if taken.school_ids or taken.target_grants else (EDIT_MATHS, APPROVE))


def test_tasks_and_special_category_are_on_record(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", TARGETS)
    ada = people.grant(owner, ada, Rights(special_category=True))
    assert ada.roles == ("mis_benchmarks_special",)
    ada = people.revoke(owner, ada, Rights(special_category=True, target_grants=(APPROVE,)))
    assert ada.roles == ("mis_benchmarks",)
    assert [event.details.get("target_tasks") for event in people.events(owner, ada.email)] == [
        None,
        ["edit at school 1 in Mathematics", "approve at school 3"],
        None,
        ["approve at school 3"],
    ]


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        (Rights(special_category=True), "--small-groups together with --special-category"),
        (Rights((1,), target_grants=(EDIT_MATHS,)), "--small-groups together with --target-task"),
        (Rights((1,), small_groups=True, target_grants=(APPROVE,)), "does not see school 3"),
    ],
)
def test_a_right_that_would_show_nothing_is_refused(owner: psycopg.Connection, rights: Rights, told: str) -> None:
    with pytest.raises(PersonError, match=told):
        people.add(owner, "ada@elm.example", "Ada", rights)
    assert people.people(owner) == []


def test_a_task_that_they_do_not_have_cannot_be_taken(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", TARGETS)
    with pytest.raises(PersonError, match="does not have the task lock at school 1"):
        people.revoke(owner, ada, Rights(target_grants=(TargetGrant(1, TargetTask.LOCK),)))


def test_without_pupils_rows_there_is_no_special_category(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", Rights(small_groups=True, special_category=True))
    assert not people.revoke(owner, ada, Rights(small_groups=True)).can_view_special_category


def test_without_pupils_rows_there_are_no_names(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", Rights(small_groups=True, named=True))
    ada = people.revoke(owner, ada, Rights(small_groups=True))
    assert (ada.can_view_small_groups, ada.can_view_named, ada.level) == (False, False, Level.AGGREGATES)


@pytest.mark.parametrize(
    ("email", "name", "rights", "told"),
    [
        ("ada", "Ada", Rights(), "'ada' is no e-mail address"),
        ("ada@elm.example; drop", "Ada", Rights(), "is no e-mail address"),
        ("ada@elm.example", " ", Rights(), "--name"),
        ("ada@elm.example", "Ada", Rights(named=True), "--small-groups together with --named"),
        ("bob@elm.example", "Bob", Rights(), "mis person grant bob@elm.example"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(
    owner: psycopg.Connection, email: str, name: str, rights: Rights, told: str
) -> None:
    people.add(owner, "bob@elm.example", "Bob", ATTENDANCE)
    before = people.people(owner)
    with pytest.raises(PersonError, match=told):
        people.add(owner, email, name, rights)
    assert people.people(owner) == before


def test_a_change_that_changes_nothing_is_refused(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", ATTENDANCE)
    for change in (people.grant, people.revoke):
        with pytest.raises(PersonError, match="Say what to"):
            change(owner, ada, Rights())
    with pytest.raises(PersonError, match="does not have school 2, purpose tracking"):
        people.revoke(owner, ada, Rights(school_ids=(1, 2), purposes=(Purpose.TRACKING,)))
    with pytest.raises(PersonError, match="--small-groups together with --named"):
        people.grant(owner, ada, Rights(named=True))
    assert people.person_by_id(owner, ada.person_id) == ada


def test_a_stranger_is_told_who_comes_near(owner: psycopg.Connection) -> None:
    people.add(owner, "ada@elm.example", "Ada", ATTENDANCE)
    with pytest.raises(PersonError, match=r"no person adda@elm\.example\. Did you mean ada@elm\.example\?"):
        people.person_by_email(owner, "adda@elm.example")
    with pytest.raises(PersonError, match="mis person list"):
        people.person_by_email(owner, "x@y.z")
    with pytest.raises(PersonError, match="have been removed"):
        people.person_by_id(owner, 99)


@pytest.mark.parametrize("given", ["2", "199002", "8504902", "Oakhurst School", "oakhurst school", " 2 "])
def test_a_school_is_found_by_what_people_call_it(owner: psycopg.Connection, given: str) -> None:
    assert people.find_schools(owner, [given]) == (2,)


def test_schools_are_found_once_each(owner: psycopg.Connection) -> None:
    assert people.find_schools(owner, ["3", "1", "199003"]) == (1, 3)
    assert people.every_school(owner) == (1, 2, 3)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Oakhust", r"Did you mean: 2 Oakhurst School"),
        ("elm", r"Did you mean: 1 Elm Primary School"),
        ("199004", r"Did you mean: 1 Elm Primary School; 2 Oakhurst School; 3 Saltmarsh School\?"),
        ("zzzz", r"`mis status` lists the schools"),
    ],
)
def test_an_unknown_school_is_told_those_that_come_near(owner: psycopg.Connection, given: str, told: str) -> None:
    with pytest.raises(PersonError, match=told):
        people.find_schools(owner, [given])


def test_of_two_schools_of_one_name_the_number_is_asked_for(owner: psycopg.Connection) -> None:
    owner.execute(
        "insert into ops.school (partner, partner_school_id, name, state)"
        " values ('wonde', 'D', 'Oakhurst School', 'approved')"
    )
    with pytest.raises(PersonError, match=r"the name of several schools: 2 Oakhurst School .* Give the number"):
        people.find_schools(owner, ["Oakhurst School"])


def test_every_change_is_on_record_and_stays(owner: psycopg.Connection) -> None:
    ada = people.add(owner, "ada@elm.example", "Ada", ATTENDANCE)
    people.grant(owner, ada, Rights(small_groups=True))
    people.revoke(owner, ada, Rights(school_ids=(1,)))
    people.remove(owner, ada)
    happened = people.events(owner, "Ada@elm.example")
    assert [(event.action, event.details) for event in happened] == [
        ("added", {"name": "Ada"}),
        ("granted", {"school_ids": [1], "purposes": ["attendance"]}),
        ("granted", {"small_groups": True}),
        ("revoked", {"school_ids": [1]}),
        ("removed", {}),
    ]
    assert {event.actor for event in happened} == {people.actor()}
    assert people.people(owner) == []
    for change in (
        "update access.person_event set actor = 'nobody'",
        "delete from access.person_event",
        "truncate access.person_event",
    ):
        with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
            owner.execute(change.encode())


def test_who_has_no_name_on_this_machine_is_recorded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nameless)
    assert people.actor().startswith("uid ")
