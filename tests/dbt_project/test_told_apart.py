"""What can be worked out from a population and two parts of it, against every way of adding and subtracting them."""

from __future__ import annotations

from itertools import chain, combinations, product
from pathlib import Path

import jinja2
import numpy as np

from orchestration.warehouse.connection import Warehouse

MACROS = Path(__file__).parents[2] / "dbt_project" / "macros" / "suppression.sql"
#: Which of the four kinds of pupils (in neither part, in one, in the other, in both) each published figure sums.
PUBLISHED = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1]])
SIZES = (0, 1, 3, 7)


def _fewest(kinds: tuple[int, ...]) -> int | None:
    """Fewest pupils whose sum, or difference, some combination of the published figures is."""
    there = [kind for kind in range(4) if kinds[kind] > 0]
    rank = np.linalg.matrix_rank(PUBLISHED[:, there]) if there else 0
    subsets = chain.from_iterable(combinations(there, length) for length in range(1, len(there) + 1))
    return min(
        (
            sum(kinds[kind] for kind in subset)
            for subset in subsets
            if np.linalg.matrix_rank(PUBLISHED[:, [kind for kind in there if kind not in subset]]) < rank
        ),
        default=None,
    )


def test_the_fewest_told_apart_are_those_of_the_cleverest_subtraction(warehouse: Warehouse) -> None:
    macro = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=True).from_string(
        MACROS.read_text(encoding="utf-8")
    )
    fewest = macro.module.fewest_told_apart("whole", "one", "other", "shared")  # type: ignore[attr-defined]
    cases = list(product(SIZES, repeat=4))
    with warehouse.connect() as connection:
        found = connection.execute(
            f"select {fewest}::integer from ("
            " select neither + one_only + other_only + both_parts as whole, one_only + both_parts as one,"
            " other_only + both_parts as other, both_parts as shared, place"
            " from unnest(%s::int[], %s::int[], %s::int[], %s::int[])"
            " with ordinality as kind (neither, one_only, other_only, both_parts, place)) as sized"
            " order by place".encode(),
            [list(column) for column in zip(*cases, strict=True)],
        ).fetchall()
    assert [told for (told,) in found] == [_fewest(kinds) for kinds in cases]
