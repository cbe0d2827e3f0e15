"""``assessment/aspects``, ``resultsets``, ``results``, ``templates`` and ``marksheets``; field names are inferred
(source_apis.md 1.8)."""

from __future__ import annotations

from datetime import date

from sandbox.calendar import epoch
from sandbox.facts import results
from sandbox.identity import Kind
from sandbox.pupils import NIGHTLY
from sandbox.view import SchoolView
from sandbox.wonde import groups, people
from sandbox.wonde.wire import Row, Tree, local_date, nested, utc_time

RESULT_INCLUDES: Tree = {"aspect": {}, "resultset": {}, "student": {}}


def _began(view: SchoolView) -> Row:
    return utc_time(epoch(date(view.data.years[0], 9, 2), NIGHTLY))


def render_aspect(view: SchoolView, number: int, includes: Tree) -> Row:
    """One aspect."""
    name, kind = view.data.results.aspects[number]
    began = _began(view)
    return {
        "id": aspect_id(view, number),
        "mis_id": view.mis_id(Kind.ASPECT, number),
        "name": name,
        "type": kind,
        "created_at": began,
        "updated_at": began,
    }


def aspect_id(view: SchoolView, number: int) -> str:
    """Partner id of an aspect."""
    return view.partner_id(Kind.ASPECT, 100001 + number)


def result_set_id(view: SchoolView, number: int) -> str:
    """Partner id of a result set."""
    return view.partner_id(Kind.RESULT_SET, 100001 + number)


def render_result_set(view: SchoolView, number: int, includes: Tree) -> Row:
    """One result set."""
    name, start, end = view.data.results.sets[number]
    began = _began(view)
    return {
        "id": result_set_id(view, number),
        "mis_id": view.mis_id(Kind.RESULT_SET, number),
        "name": name,
        "start_date": local_date(start),
        "end_date": local_date(end),
        "created_at": began,
        "updated_at": began,
    }


def render_result(view: SchoolView, number: int, includes: Tree) -> Row:
    """One result; relations are ids unless included."""
    held = view.data.results
    pupil, aspect, result_set = int(held.pupil[number]), int(held.aspect[number]), int(held.result_set[number])
    seen = utc_time(int(held.at[number]))
    row: Row = {
        "id": view.partner_id(Kind.RESULT, 100001 + number),
        "mis_id": view.mis_id(Kind.RESULT, number),
        "student": people.student_id(view, pupil),
        "aspect": aspect_id(view, aspect),
        "resultset": result_set_id(view, result_set),
        "result": held.values[int(held.value[number])],
        "result_date": local_date(date.fromordinal(int(held.day[number]))),
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


def render_template(view: SchoolView, number: int, includes: Tree) -> Row:
    """One template."""
    return {
        "id": view.partner_id(Kind.TEMPLATE, 100001 + number),
        "mis_id": view.mis_id(Kind.TEMPLATE, number),
        "name": results.TEMPLATES[number],
    }


def render_marksheet(view: SchoolView, number: int, includes: Tree) -> Row:
    """One marksheet: a template laid over a registration group."""
    place, template = results.marksheets(view)[number]
    nc_year, form, _ = view.forms[place]
    return {
        "id": view.partner_id(Kind.MARKSHEET, 100001 + number),
        "mis_id": view.mis_id(Kind.MARKSHEET, number),
        "template": view.partner_id(Kind.TEMPLATE, 100001 + template),
        "group": groups.form_id(view, nc_year, form),
    }
