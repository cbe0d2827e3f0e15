"""Marks as they read now, and what goes with them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sandbox.attendance import Marks
from sandbox.codes import CODES, NUMBER
from sandbox.view import NumberArray, SchoolView

#: What a school with its own code list calls two of the national codes.
_OWN_LETTERS = {"V": "TR", "I": "IL"}
_LATE_CODES = {NUMBER["L"]: (1, 28), NUMBER["U"]: (31, 89)}
#: Codes whose marks say by how many minutes.
LATE = frozenset(_LATE_CODES)


class Changes(NamedTuple):
    """Marks that were changed by now, in order of session and pupil: columns of equal length."""

    session: npt.NDArray[np.int32]
    pupil: npt.NDArray[np.int32]
    earlier: Marks
    at: NumberArray


def marks(view: SchoolView) -> Marks:
    """Marks as they read now: sessions held so far x pupils, 0 where there is no row."""
    return view.remember("marks", lambda: _marks(view))


def _marks(view: SchoolView) -> Marks:
    register = view.data.register
    held = int(np.searchsorted([session.created for session in register.sessions], view.clock.now, side="right"))
    shown: Marks = register.final[:held].copy()
    pending = (register.at > view.clock.now) & (register.session < held)
    shown[register.session[pending], register.pupil[pending]] = register.earlier[pending]
    return shown


def _changes(view: SchoolView) -> Changes:
    register = view.data.register
    done = (register.at <= view.clock.now) & (register.session < len(marks(view)))
    return Changes(register.session[done], register.pupil[done], register.earlier[done], register.at[done])


def changes(view: SchoolView) -> Changes:
    """Marks changed by now."""
    return view.remember("changes", lambda: _changes(view))


def sessions_between(view: SchoolView, after: date | None, before: date | None) -> tuple[int, int]:
    """Numbers of the sessions held from ``after`` to ``before``, both days included: first, and one past the last."""
    days = view.remember(
        "session days", lambda: np.array([session.day.toordinal() for session in view.data.register.sessions])
    )
    first = int(np.searchsorted(days, after.toordinal())) if after else 0
    last = int(np.searchsorted(days, before.toordinal(), side="right")) if before else len(days)
    return first, min(last, len(marks(view)))


def open_days(view: SchoolView) -> list[date]:
    """Days of the present academic year and later for which the MIS holds sessions, in order."""
    return view.remember(
        "open days",
        lambda: sorted(
            {session.day for session in view.data.register.sessions if session.day >= date(view.year, 9, 1)}
        ),
    )


def mark_key(view: SchoolView, session: int, pupil: int) -> int:
    """Number of a mark within the school."""
    return session * len(view.data.pupils) + pupil


def minutes_late(key: int, code: int) -> int | None:
    """How late the pupil of a mark was; None for codes that are not lateness."""
    if code not in _LATE_CODES:
        return None
    least, most = _LATE_CODES[code]
    return least + key * 2654435761 % (most - least + 1)


def comment(key: int, *, changed: bool) -> str | None:
    """What the office wrote beside a mark; only beside marks that were changed."""
    return "Reason given by telephone" if changed and key % 5 == 0 else None


def letter(view: SchoolView, code: int) -> str:
    """How the school writes a register code."""
    text = CODES[code].code
    return _OWN_LETTERS.get(text, text) if view.school.custom_codes else text


def counts_this_year(view: SchoolView) -> npt.NDArray[np.int64]:
    """Marks of the present academic year by pupil and code."""

    def count() -> npt.NDArray[np.int64]:
        first, last = sessions_between(view, date(view.year, 9, 1), None)
        shown = marks(view)[first:last]
        return np.stack([(shown == number).sum(axis=0) for number in range(len(CODES))], axis=1)

    return view.remember("summary", count)


def planned_absences(view: SchoolView) -> list[int]:
    """Numbers of the planned absences of pupils on roll that have begun."""
    held = len(marks(view))
    return [
        number
        for number, absence in enumerate(view.data.register.absences)
        if absence.first < held and view.is_current[absence.pupil]
    ]
