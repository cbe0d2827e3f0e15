"""Two look-ups side by side: what would change if the operator switched from one to the other, and by how much."""

from __future__ import annotations

from typing import Any

import pandas as pd

from orchestration.estimates.lookup import ESTIMATE_KEY, LookUp

_ALIKE = 1e-9


def differences(used: LookUp, proposed: LookUp) -> pd.DataFrame:
    """A row an estimate of either look-up: grade and expected points in both, their difference (proposed less used).

    ``found_in`` is both, used or proposed.
    """
    columns = [*ESTIMATE_KEY, "estimate_grade", "expected_points", "basis_n"]
    merged = used.estimates[columns].merge(
        proposed.estimates[columns], on=ESTIMATE_KEY, how="outer", suffixes=("_used", "_proposed"), indicator="found_in"
    )
    merged["found_in"] = merged["found_in"].astype(str).replace({"left_only": "used", "right_only": "proposed"})
    merged["change"] = merged["expected_points_proposed"] - merged["expected_points_used"]
    merged["grade_changes"] = merged["found_in"].eq("both") & (
        merged["estimate_grade_used"] != merged["estimate_grade_proposed"]
    )
    return merged


def by_subject(used: LookUp, proposed: LookUp) -> pd.DataFrame:
    """A row a subject at challenge 50 of all pupils: how many estimates change their grade, and by how many points.

    Columns: ``estimates``, ``grade_changes``, ``mean_change``, ``largest_change`` (absolute), ``only_used``,
    ``only_proposed``. Estimates weigh alike.
    """
    rows = differences(used, proposed)
    rows = rows.loc[(rows["challenge"] == 50) & (rows["sex"] == "all")]
    return rows.groupby(["qualification", "level", "subject"], as_index=False).agg(
        estimates=("found_in", lambda found: int((found == "both").sum())),
        grade_changes=("grade_changes", "sum"),
        mean_change=("change", "mean"),
        largest_change=("change", lambda change: change.abs().max()),
        only_used=("found_in", lambda found: int((found == "used").sum())),
        only_proposed=("found_in", lambda found: int((found == "proposed").sum())),
    )


def unequal(kept: LookUp, again: LookUp) -> pd.DataFrame:
    """The estimates in which two makings of one run differ: ``ESTIMATE_KEY`` and ``column``; empty when in none.

    Numbers are equal to within 1e-9, the last bits being the machine's; a row that only one has differs in ``row``.
    """
    left, right = (of.estimates.set_index(ESTIMATE_KEY).sort_index() for of in (kept, again))
    one_sided = left.index.symmetric_difference(right.index)
    both = left.index.intersection(right.index)
    left, right = left.loc[both], right.loc[both]
    found = [one_sided.to_frame(index=False).assign(column="row")]
    for column in left.columns:
        differs = ~pd.Series(_alike(left[column], right[column]), index=both)
        found.append(both[differs].to_frame(index=False).assign(column=column))
    return pd.concat(found, ignore_index=True)


def _alike(left: pd.Series[Any], right: pd.Series[Any]) -> list[bool]:
    if left.name in ("points", "chances"):
        return [
            len(a) == len(b) and all(abs(x - y) <= _ALIKE for x, y in zip(a, b, strict=True))
            for a, b in zip(left, right, strict=True)
        ]
    if pd.api.types.is_numeric_dtype(left):
        return ((left - right).abs() <= _ALIKE).tolist()
    return [a == b for a, b in zip(left, right, strict=True)]
