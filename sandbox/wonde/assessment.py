"""``assessment/aspects``, ``resultsets``, ``results``, ``templates`` and ``marksheets``; field names are inferred
(source_apis.md 1.8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from sandbox.calendar import epoch
from sandbox.identity import Kind, partner_id
from sandbox.pupils import NIGHTLY
from sandbox.wonde import groups, people
from sandbox.wonde.view import SchoolView
from sandbox.wonde.wire import Row, Tree, local_date, nested, utc_time

RESULT_INCLUDES: Tree = {"aspect": {}, "resultset": {}, "student": {}}


def known_results(view: SchoolView) -> range:
    """Numbers of the results that have come in; they are stored in order of arrival."""
    return range(int(np.searchsorted(view.data.results.at, view.clock.now, side="right")))


def aspects(view: SchoolView) -> Sequence[int]:
    """Numbers of the aspects with a result."""
    return view.remember("aspects", lambda: np.unique(view.data.results.aspect[: len(known_results(view))]).tolist())


def result_sets(view: SchoolView) -> Sequence[int]:
    """Numbers of the result sets with a result."""
    return view.remember(
        "result sets", lambda: np.unique(view.data.results.result_set[: len(known_results(view))]).tolist()
    )


def results_of(view: SchoolView, pupil: int) -> list[int]:
    """Numbers of one pupil's results."""
    return np.flatnonzero(view.data.results.pupil[: len(known_results(view))] == pupil).tolist()


def _began(view: SchoolView) -> Row:
    return utc_time(epoch(date(view.data.years[0], 9, 2), NIGHTLY))


def render_aspect(view: SchoolView, number: int, includes: Tree) -> Row:
    """One aspect."""
    name, kind = view.data.results.aspects[number]
    began = _began(view)
    return {
        "id": aspect_id(number),
        "mis_id": str(702 + number),
        "name": name,
        "type": kind,
        "created_at": began,
        "updated_at": began,
    }


def aspect_id(number: int) -> str:
    """Partner id of an aspect."""
    return partner_id(Kind.ASPECT, 100001 + number)


def result_set_id(number: int) -> str:
    """Partner id of a result set."""
    return partner_id(Kind.RESULT_SET, 100001 + number)


def render_result_set(view: SchoolView, number: int, includes: Tree) -> Row:
    """One result set."""
    name, start, end = view.data.results.sets[number]
    began = _began(view)
    return {
        "id": result_set_id(number),
        "mis_id": str(31 + number),
        "name": name,
        "start_date": local_date(start),
        "end_date": local_date(end),
        "created_at": began,
        "updated_at": began,
    }


def render_result(view: SchoolView, number: int, includes: Tree) -> Row:
    """One result; relations are ids unless included."""
    results = view.data.results
    pupil, aspect, result_set = int(results.pupil[number]), int(results.aspect[number]), int(results.result_set[number])
    seen = utc_time(int(results.at[number]))
    row: Row = {
        "id": partner_id(Kind.RESULT, 100001 + number),
        "mis_id": str(1289067 + number),
        "student": people.student_id(pupil),
        "aspect": aspect_id(aspect),
        "resultset": result_set_id(result_set),
        "result": results.values[int(results.value[number])],
        "result_date": local_date(date.fromordinal(int(results.day[number]))),
        "collection_date": None,
        "created_at": seen,
        "updated_at": seen,
    }
    if "aspect" in includes:
        row["aspect"] = nested(render_aspect(view, aspect, {}))
    if "resultset" in includes:
        row["resultset"] = nested(render_result_set(view, result_set, {}))
    if "student" in includes:
        row["student"] = nested(people.student_reference(view, pupil)) if view.granted("students.read") else None
    return row


_TEMPLATES = ("Reading", "Writing", "Mathematics", "Year 7 baseline", "GCSE predictions")


def templates(view: SchoolView) -> Sequence[int]:
    """Numbers of the templates."""
    return range(len(_TEMPLATES))


def render_template(view: SchoolView, number: int, includes: Tree) -> Row:
    """One template."""
    return {"id": partner_id(Kind.TEMPLATE, 100001 + number), "mis_id": str(1121 + number), "name": _TEMPLATES[number]}


def render_marksheet(view: SchoolView, number: int, includes: Tree) -> Row:
    """One marksheet: a template laid over a registration group."""
    nc_year, form, _ = view.forms[number]
    return {
        "id": partner_id(Kind.MARKSHEET, 100001 + number),
        "mis_id": str(5372 + number),
        "template": partner_id(Kind.TEMPLATE, 100001 + number % len(_TEMPLATES)),
        "group": groups.form_id(view, nc_year, form),
    }
