"""What a reader can work out of published numbers by any linear way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import numpy as np

Unknown = TypeVar("Unknown")


def determined(unknown: set[Unknown], equations: Iterable[Mapping[Unknown, int]]) -> set[Unknown]:
    """The unknown numbers that the equations fix: those that are zero in every solution of the homogeneous system.

    An equation is the numbers that add up to something known, each with its factor; what is not unknown in it is known.
    """
    places = {number: place for place, number in enumerate(unknown)}
    rows = [
        {places[number]: factor for number, factor in equation.items() if number in places} for equation in equations
    ]
    matrix = np.zeros((len(rows) + 1, len(places)))
    for line, row in enumerate(rows):
        for place, factor in row.items():
            matrix[line, place] = factor
    _, values, directions = np.linalg.svd(matrix, full_matrices=True)
    rank = int((values > 1e-9).sum())
    free = np.abs(directions[rank:]).max(axis=0) if rank < len(places) else np.zeros(len(places))
    return {number for number, place in places.items() if free[place] < 1e-9}
