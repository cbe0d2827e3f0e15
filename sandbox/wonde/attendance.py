"""Session marks, codes, summaries and planned absences.

Marks are nearly all of the traffic, so a page of them is put together from byte strings made once per session, pupil
and code instead of being encoded row by row.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from sandbox.calendar import epoch
from sandbox.codes import AUTHORISED, CODES, NUMBER, POSSIBLE, UNAUTHORISED
from sandbox.facts import register
from sandbox.identity import Kind, partner_id
from sandbox.view import NumberArray, SchoolView
from sandbox.wonde import people
from sandbox.wonde.wire import ApiError, Row, Tree, encode, local_date, utc_time

MARK_INCLUDES: Tree = {"student": {}, "attendance_code": {}}


class MarkFilter(NamedTuple):
    """Which marks a request wants: numbers of sessions [first, last), change times (after, before) in seconds UTC or
    None."""

    first: int
    last: int
    after: int | None
    before: int | None


class Position(msgspec.Struct, frozen=True):
    """Where a page begins: session and pupil number."""

    s: int
    p: int


class Cursor(msgspec.Struct, frozen=True):
    """Where a page begins and where the one before it did (None: it is the first). What clients hold, opaque."""

    at: Position
    before: Position | None

    def text(self) -> str:
        """As it stands in a link."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")


def from_cursor(text: str) -> Cursor:
    """The cursor of a link.

    Raises ApiError 400 for text that this server did not make.
    """
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise ApiError(400, "invalid_parameter", f"cursor {text!r} is not one of ours") from None


START = Cursor(Position(0, 0), None)


# -- pages
# ---------------------------------------------------------------------------------------------------------------


def mark_page(
    view: SchoolView, *, leavers: bool, wanted: MarkFilter, start: Position, size: int, includes: Tree
) -> tuple[list[bytes], Position | None]:
    """Up to ``size`` marks from ``start`` on, in order of session and pupil, and where the next page begins (None: it
    was the last)."""
    shown = register.marks(view)
    roll = view.remember(f"roll {leavers}", lambda: np.array(view.leavers if leavers else view.current, dtype=np.int64))
    fragments = view.remember(f"fragments {sorted(includes)}", lambda: _Fragments(view, includes))
    created = fragments.created
    recent = None if wanted.after is None else _recent(view, wanted.after)
    rows: list[bytes] = []
    first = max(start.s, wanted.first)
    for session in range(first, wanted.last):
        numbers = roll
        if wanted.after is not None and recent is not None and created[session] <= wanted.after:
            if session not in recent:
                continue
            numbers = np.intersect1d(roll, recent[session])
        if session == start.s and start.p:
            numbers = numbers[numbers >= start.p]
        codes = shown[session, numbers]
        there = codes != 0
        numbers, codes = numbers[there], codes[there]
        if wanted.before is not None:
            early = np.array(
                [fragments.updated(session, number) < wanted.before for number in numbers.tolist()], dtype=bool
            )
            numbers, codes = numbers[early], codes[early]
        room = size - len(rows)
        if len(numbers) > room:
            rows += fragments.rows(session, numbers[:room].tolist(), codes[:room].tolist())
            return rows, Position(session, int(numbers[room]))
        rows += fragments.rows(session, numbers.tolist(), codes.tolist())
    return rows, None


def ids_at(view: SchoolView, places: list[int], *, leavers: bool) -> dict[int, str]:
    """Ids of the marks in the named places of the unfiltered list."""
    shown = register.marks(view)
    roll = np.array(view.leavers if leavers else view.current, dtype=np.int64)
    sessions, columns = np.nonzero(shown[:, roll])
    pupils = len(view.data.pupils)
    return {
        place: view.partner_id(Kind.MARK, int(sessions[place]) * pupils + int(roll[columns[place]]))
        for place in places
        if place < len(sessions)
    }


def _recent(view: SchoolView, after: int) -> dict[int, NumberArray]:
    """Pupils whose marks changed after a time, by session."""

    def find() -> dict[int, NumberArray]:
        done = register.changes(view)
        late = done.at > after
        sessions, pupils = done.session[late], done.pupil[late].astype(np.int64)
        starts = np.flatnonzero(np.diff(sessions, prepend=-1))
        return (
            {int(sessions[start]): part for start, part in zip(starts, np.split(pupils, starts[1:]), strict=True)}
            if len(sessions)
            else {}
        )

    return view.remember(f"recent {after}", find)


class _Fragments:
    """Byte strings that the rows of one school are joined from."""

    def __init__(self, view: SchoolView, includes: Tree) -> None:
        sessions = view.data.register.sessions
        self.pupils = len(view.data.pupils)
        self.created: list[int] = [session.created for session in sessions]
        times = [encode(utc_time(at)) for at in self.created]
        self.created_at = times
        self.before = [
            b'","date":'
            + encode(local_date(session.day))
            + b',"session":"'
            + (b"PM" if session.afternoon else b"AM")
            + b'","student":'
            for session in sessions
        ]
        self.after = [b',"created_at":' + at + b',"updated_at":' + at + b"}" for at in times]
        whole = "student" in includes and view.granted("students.read")
        null = "student" in includes and not whole
        self.student = [
            b"null"
            if null
            else encode({"data": people.student_reference(view, number)} if whole else people.student_id(view, number))
            for number in range(self.pupils)
        ]
        self.code = [
            b',"attendance_code":'
            + encode(
                {"data": render_code(view, number, {})} if "attendance_code" in includes else code_id(view, number)
            )
            for number in range(len(CODES))
        ]
        plain = b',"comment":null,"minutes_late":null,"employee":null'
        self.detail = [code + plain for code in self.code]
        done = register.changes(view)
        keys = done.session.astype(np.int64) * self.pupils + done.pupil
        self.changed: dict[int, int] = dict(zip(keys.tolist(), done.at.tolist(), strict=True))
        # Marks of sessions before a late admission had no row until then.
        self.filled_in: set[int] = set(keys[done.earlier == 0].tolist())
        # An id is this and the number of the mark in eight digits or more, as partner_id writes it.
        self.prefix = f'{{"id":"A{Kind.MARK:02d}'.encode()
        self.first = int(view.partner_id(Kind.MARK, 0)[3:])

    def updated(self, session: int, pupil: int) -> int:
        """When a mark last changed."""
        return self.changed.get(session * self.pupils + pupil, self.created[session])

    def rows(self, session: int, numbers: list[int], codes: list[int]) -> list[bytes]:
        """Marks of one session."""
        before, after, student, detail, changed, prefix = (
            self.before[session],
            self.after[session],
            self.student,
            self.detail,
            self.changed,
            self.prefix,
        )
        base, first = session * self.pupils, self.first
        return [
            b"%b%08d%b%b%b%b" % (prefix, first + base + number, before, student[number], detail[code], after)
            if code not in register.LATE and base + number not in changed
            else self._unusual(session, number, code)
            for number, code in zip(numbers, codes, strict=True)
        ]

    def _unusual(self, session: int, number: int, code: int) -> bytes:
        """A mark with minutes late, or one that was changed."""
        key = session * self.pupils + number
        minutes = encode(register.minutes_late(key, code))
        at = self.changed.get(key)
        after = self.after[session]
        if at is not None:
            changed = encode(utc_time(at))
            after = (
                b',"created_at":'
                + (changed if key in self.filled_in else self.created_at[session])
                + b',"updated_at":'
                + changed
                + b"}"
            )
        comment = encode(register.comment(key, changed=at is not None))
        detail = self.code[code] + b',"comment":' + comment + b',"minutes_late":' + minutes + b',"employee":null'
        return b"%b%08d%b%b%b%b" % (
            self.prefix,
            self.first + key,
            self.before[session],
            self.student[number],
            detail,
            after,
        )


# -- codes
# ---------------------------------------------------------------------------------------------------------------


def code_id(view: SchoolView | None, number: int) -> str:
    """Partner id of a register code; without a school, in the global list."""
    return view.partner_id(Kind.CODE, 100000 + number) if view else partner_id(Kind.CODE, 100000 + number)


def codes(view: SchoolView) -> Sequence[int]:
    """Numbers of the codes in the school's list, old and new."""
    return range(1, len(CODES))


def render_code(view: SchoolView | None, number: int, includes: Tree) -> Row:
    """One code; without a school, as the global list has it."""
    code = CODES[number]
    return {
        "id": code_id(view, number),
        "code": register.letter(view, number) if view else code.code,
        "description": code.description,
        "type": code.kind,
    }


# -- summaries and planned absences
# ----------------------------------------------------------------------------------------


def render_summary(view: SchoolView, pupil: int, includes: Tree) -> Row:
    """Totals of one pupil in the present academic year."""
    counts = register.counts_this_year(view)[pupil]
    possible, authorised, unauthorised = (
        int(counts[numbers].sum()) for numbers in (POSSIBLE, AUTHORISED, UNAUTHORISED)
    )
    return {
        "id": view.partner_id(Kind.SUMMARY, 100001 + pupil),
        "student": people.student_id(view, pupil),
        "possible_marks": possible,
        "present_marks": possible - authorised - unauthorised,
        "authorised_absences": authorised,
        "unauthorised_absences": unauthorised,
    }


def render_absence(view: SchoolView, number: int, includes: Tree) -> Row:
    """One planned absence, as a range of dates (shape inferred)."""
    absence = view.data.register.absences[number]
    sessions = view.data.register.sessions
    entered = utc_time(epoch(sessions[absence.first].day) + 8 * 3600)
    return {
        "id": view.partner_id(Kind.ABSENCE, 100001 + number),
        "student": people.student_id(view, absence.pupil),
        "attendance_code": code_id(view, NUMBER[absence.code]),
        "start_date": local_date(sessions[absence.first].day),
        "end_date": local_date(sessions[absence.last].day),
        "created_at": entered,
        "updated_at": entered,
    }
