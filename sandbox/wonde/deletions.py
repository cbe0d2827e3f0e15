"""``deletions``: what has gone, as far as the partner notices.

Incomplete on purpose: only top-level resources appear. The marks, results, exclusions and lessons of what has gone
leave no entry.
"""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.calendar import epoch
from sandbox.identity import Kind
from sandbox.pupils import NIGHTLY
from sandbox.view import SchoolView
from sandbox.wonde import groups, people
from sandbox.wonde.wire import Row, utc_time


def deletions(view: SchoolView) -> list[tuple[int, Row]]:
    """Every deletion so far with its time in seconds UTC, oldest first."""
    found: list[tuple[int, Row]] = []

    def add(at: int, kind: str, identifier: str, mis_id: str, restored: int | None = None) -> None:
        if at <= view.clock.now:
            back = utc_time(restored) if restored is not None and restored <= view.clock.now else None
            found.append(
                (
                    at,
                    {"type": kind, "id": identifier, "mis_id": mis_id, "deleted_at": utc_time(at), "restored_at": back},
                )
            )

    pupils = view.data.pupils
    for number in view.leavers:
        pupil = pupils[number]
        if pupil.leaving:
            restored = pupils[pupil.returned_as].created if pupil.returned_as is not None else None
            add(
                epoch(pupil.leaving + timedelta(days=1), NIGHTLY),
                "student",
                people.student_id(view, number),
                pupil.mis_id,
                restored,
            )
    for group in view.data.classes:
        if group.year < view.year:
            add(
                epoch(date(group.year + 1, 9, 1), NIGHTLY),
                "class",
                groups.class_id(view, group),
                view.mis_id(Kind.CLASS, group.number),
            )
    found.sort(key=lambda entry: (entry[0], entry[1]["id"]))
    return found
