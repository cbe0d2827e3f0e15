"""Assessment results that have come in so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sandbox.view import SchoolView

#: Names of the mark sheets' templates.
TEMPLATES = ("Reading", "Writing", "Mathematics", "Year 7 baseline", "GCSE predictions")


def known(view: SchoolView) -> range:
    """Numbers of the results that have come in; they are stored in order of arrival."""
    return range(int(np.searchsorted(view.data.results.at, view.clock.now, side="right")))


def aspects(view: SchoolView) -> Sequence[int]:
    """Numbers of the aspects with a result."""
    return view.remember("aspects", lambda: np.unique(view.data.results.aspect[: len(known(view))]).tolist())


def result_sets(view: SchoolView) -> Sequence[int]:
    """Numbers of the result sets with a result."""
    return view.remember("result sets", lambda: np.unique(view.data.results.result_set[: len(known(view))]).tolist())


def of_pupil(view: SchoolView, pupil: int) -> list[int]:
    """Numbers of one pupil's results."""
    return np.flatnonzero(view.data.results.pupil[: len(known(view))] == pupil).tolist()


def marksheets(view: SchoolView) -> list[tuple[int, int]]:
    """Mark sheets as (place of the registration group in ``view.forms``, number of the template laid over it)."""
    return [(place, place % len(TEMPLATES)) for place in range(len(view.forms))]
