"""Two look-ups side by side: what would change if the operator switched from one to the other, and by how much."""

from __future__ import annotations

import pandas as pd

from orchestration.estimates.lookup import ESTIMATE_KEY, LookUp


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
