"""Dated characteristics of pupils as they are today, in the codes of the census."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from sandbox.pupils import Pupil, Span
from sandbox.view import SchoolView

SEN_WORDS = {"K": "SEN Support", "E": "Education, Health and Care Plan", "N": "No Special Educational Need"}
_EAL_LEVELS = ("New to English", "Early Acquisition", "Developing Competence", "Competent", "Fluent")
#: Numbers of a pupil's periods of status: 100 a pupil, SEN provision from 0, FSM from 30, care from 60.
SEN_PERIODS, FSM_PERIODS, CARE_PERIODS = 0, 30, 60


class Status(NamedTuple):
    """What is so today. ``premium`` is the indicator as schools keep it; ``proficiency`` is None without EAL."""

    sen: str
    fsm: bool
    fsm_ever_6: bool
    in_care: bool
    ever_in_care: bool
    premium: bool
    eal: bool
    proficiency: str | None


def status(view: SchoolView, pupil: Pupil) -> Status:
    """A pupil's status today."""
    today = view.clock.today
    sen = pupil.status_on(pupil.sen, today)
    six_years = today - timedelta(days=6 * 365)
    ever = any(span.start <= today and (span.end is None or span.end >= six_years) for span in pupil.fsm)
    care = pupil.status_on(pupil.care, today) is not None
    eal = pupil.language != "ENG"
    return Status(
        sen=sen.code if sen else "N",
        fsm=pupil.status_on(pupil.fsm, today) is not None,
        fsm_ever_6=ever,
        in_care=care,
        ever_in_care=any(span.start <= today for span in pupil.care),
        premium=ever or care,
        eal=eal,
        proficiency=_EAL_LEVELS[pupil.number % 5] if eal else None,
    )


class Period(NamedTuple):
    """A period of status that has begun. ``end`` is None until its day has come."""

    number: int
    code: str
    start: date
    end: date | None


def periods(view: SchoolView, pupil: Pupil, spans: list[Span], offset: int) -> list[Period]:
    """Periods of status that have begun; ``offset`` is where numbers of their kind begin."""
    today = view.clock.today
    return [
        Period(
            100 * pupil.number + offset + place,
            span.code,
            span.start,
            span.end if span.end and span.end <= today else None,
        )
        for place, span in enumerate(spans)
        if span.start <= today
    ]


class Need(NamedTuple):
    """A special need that is on record; rank 1 is the primary one."""

    number: int
    code: str
    rank: int
    start: date


def needs(view: SchoolView, pupil: Pupil) -> list[Need]:
    """Special needs recorded by now."""
    return [
        Need(10 * pupil.number + rank, code, rank, start)
        for code, rank, start in pupil.needs
        if start <= view.clock.today
    ]


def left(view: SchoolView, pupil: Pupil) -> date | None:
    """The last day on roll of a pupil who has left."""
    return pupil.leaving if pupil.leaving is not None and pupil.leaving < view.clock.today else None


def admission_number(view: SchoolView, pupil: Pupil) -> str:
    """The school's own running number; it outlives a change of MIS."""
    return f"{view.first_mis_id(pupil.mis_id) - 4000:06d}"


def families(view: SchoolView) -> dict[int, list[int]]:
    """Numbers of the pupils on roll by family."""
    return view.remember("families", lambda: _families(view))


def _families(view: SchoolView) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number in view.current:
        found.setdefault(view.data.pupils[number].family, []).append(number)
    return found


def siblings(view: SchoolView, pupil: Pupil) -> list[int]:
    """Numbers of a pupil's brothers and sisters on roll."""
    return [number for number in families(view).get(pupil.family, []) if number != pupil.number]
