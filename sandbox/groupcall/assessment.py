"""``assessmentstructure`` and ``assessmentresults`` (source_apis.md 2.6)."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from sandbox.facts import results as facts
from sandbox.groupcall import ids
from sandbox.groupcall.groups import members_by_group
from sandbox.groupcall.students import recent_leavers
from sandbox.groupcall.wire import Request, Row, Sets, XodError
from sandbox.identity import Kind
from sandbox.view import SchoolView

_FILTERS = ("Students", "Groups", "Aspects", "ResultSets", "Templates", "Columns", "Marksheets")
_STATUTORY = ("KS1", "KS2", "GCSE", "A level", "EYFS", "Phonics", "Multiplication")


def structure(view: SchoolView, request: Request) -> Sets:
    """``Aspects`` and ``ResultSets``; with ``includeMarkingGrids`` also ``Templates``, ``Marksheets`` and ``Columns``
    (without rows: the sandbox's mark sheets have no columns), with ``includeGradesets`` empty ``GradeSets``, ``Grades``
    and ``MarkSets``.

    Every school has one category, so ``CategoryFilter`` changes nothing.
    """
    held = view.data.results
    sets: Sets = {
        "Aspects": [
            {
                "Id": view.mis_id(Kind.ASPECT, number),
                "ExternalId": str(1 + number),
                "AspectType": held.aspects[number][1].capitalize(),
                "Name": held.aspects[number][0],
                "Description": held.aspects[number][0],
                "Supplier": "DfE" if held.aspects[number][0].startswith(_STATUTORY) else "School",
                "GradeSetId": None,
            }
            for number in facts.aspects(view)
        ],
        "ResultSets": [
            {
                "Id": view.mis_id(Kind.RESULT_SET, number),
                "ExternalId": str(1 + number),
                "Name": held.sets[number][0],
                "Supplier": "School",
            }
            for number in facts.result_sets(view)
        ],
    }
    if request.option("includeMarkingGrids"):
        sets["Templates"] = [
            {
                "Id": view.mis_id(Kind.TEMPLATE, number),
                "Name": name,
                "Notes": None,
                "CreatorId": None,
                "FilterGroupId": None,
            }
            for number, name in enumerate(facts.TEMPLATES)
        ]
        sets["Marksheets"] = [
            {
                "Id": view.mis_id(Kind.MARKSHEET, number),
                "TemplateId": view.mis_id(Kind.TEMPLATE, template),
                "GroupId": ids.form_id(view, *view.forms[place][:2]),
            }
            for number, (place, template) in enumerate(facts.marksheets(view))
        ]
        sets["Columns"] = []
    if request.option("includeGradesets"):
        sets |= {"GradeSets": [], "Grades": [], "MarkSets": []}
    return sets


def results(view: SchoolView, request: Request) -> Sets:
    """``AsmResults`` of pupils on roll, newcomers and recent leavers.

    Filters add up to the union of what each lets in (inferred), but for ``ResultSets``, which overrides the others. An
    aspect may name its result set after a bar; nothing after the bar means no result set, which no result here lacks.
    """
    if not any(request.given(name) for name in _FILTERS):
        raise XodError(f"At least one of the parameters {', '.join(_FILTERS)} is mandatory")
    held, known = view.data.results, len(facts.known(view))
    wanted = _wanted(view, request)
    wanted &= np.isin(held.pupil[:known], [*view.current, *recent_leavers(view), *view.pre_admissions])
    for name, keep in (("ResultDateFrom", np.greater_equal), ("ResultDateTo", np.less_equal)):
        if (day := request.day(name)) is not None:
            wanted &= keep(held.day[:known], day.toordinal())
    return {"AsmResults": [_row(view, number) for number in np.flatnonzero(wanted).tolist()]}


def _wanted(view: SchoolView, request: Request) -> npt.NDArray[np.bool_]:
    held, known = view.data.results, len(facts.known(view))
    pupils, aspects, sets = held.pupil[:known], held.aspect[:known], held.result_set[:known]
    aspect_numbers = {view.mis_id(Kind.ASPECT, number): number for number in facts.aspects(view)}
    set_numbers = {view.mis_id(Kind.RESULT_SET, number): number for number in facts.result_sets(view)}
    if request.given("ResultSets"):
        return np.isin(sets, [set_numbers[name] for name in request.listed("ResultSets") if name in set_numbers])
    members = members_by_group(view)
    sheets = {
        view.mis_id(Kind.MARKSHEET, number): view.forms[place][2]
        for number, (place, _) in enumerate(facts.marksheets(view))
    }
    numbers = ids.student_numbers(view)
    people = [numbers[name] for name in request.listed("Students") if name in numbers]
    people += [number for name in request.listed("Groups") for number in members.get(name, [])]
    people += [number for name in request.listed("Marksheets") for number in sheets.get(name, [])]
    wanted: npt.NDArray[np.bool_] = np.isin(pupils, people)
    for pair in request.listed("Aspects"):
        aspect, bar, result_set = pair.partition("|")
        if aspect in aspect_numbers and (not bar or result_set in set_numbers):
            of_aspect = aspects == aspect_numbers[aspect]
            wanted |= of_aspect & (sets == set_numbers[result_set]) if bar else of_aspect
    return wanted


def _row(view: SchoolView, number: int) -> Row:
    held = view.data.results
    return {
        "Id": view.mis_id(Kind.RESULT, number),
        "StudentId": ids.student_id(view, int(held.pupil[number])),
        "AspectId": view.mis_id(Kind.ASPECT, int(held.aspect[number])),
        "ResultDate": date.fromordinal(int(held.day[number])).isoformat(),
        "ResultSetId": view.mis_id(Kind.RESULT_SET, int(held.result_set[number])),
        "Result": held.values[int(held.value[number])],
        "Notes": None,
    }
