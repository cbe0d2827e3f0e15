"""Rebuild ``sandbox/data/{attendance,attainment,local_authorities}.json`` from the published files.

    python -m sandbox.build_parameters REFERENCE_FOLDER

``REFERENCE_FOLDER`` holds the department's re-tabulated files (layout in ``sandbox/README.md``). Only this script
reads them: the generator reads the small JSON files, whose layout is the sandbox's own and which name year, release
and source.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.stats import norm

from sandbox.parameters import DATA_DIR, FloatArray, Scale, quantile_table

#: Phase in the sandbox -> (name in the band file, name in the year-to-date file, NC years it is fitted on).
PHASES: dict[str, tuple[str, str, range]] = {
    "primary": ("State-funded primary", "Primary", range(1, 7)),
    "secondary": ("State-funded secondary", "Secondary", range(7, 12)),
    "special": ("Special", "Special", range(1, 12)),
}
#: Years with national code rates that the sandbox simulates.
YEARS = (202324, 202425)
BAND_YEAR = 202122
GCSE_YEAR = 2024
A_LEVEL_YEAR = 2024
GCSE_SUBJECTS = (
    "Mathematics", "English Language", "English Literature", "Combined Science", "Biology", "Chemistry", "Physics",
    "History", "Geography", "Religious Studies", "Art and Design", "French", "Spanish", "German", "Business",
    "Computer Science", "Design & Technology", "Physical Education", "Drama", "Food Preparation & Nutrition", "Music",
)  # fmt: skip
A_LEVEL_SUBJECTS = (
    "Mathematics", "Psychology", "Biology", "Chemistry", "History", "Sociology", "Business Studies:Single", "Physics",
    "Economics", "English Literature", "Geography", "Computer Studies / Computing", "Mathematics (Further)",
    "Religious Studies", "Law", "Art and Design (Fine Art)", "French", "Spanish",
)  # fmt: skip
PRIOR_BANDS = ("<1", "1-<2", "2-<3", "3-<4", "4-<5", "5-<6", "6-<7", "7-<8", "8-<9", "9>=")
_OGL = "Department for Education, Open Government Licence v3.0"


def attendance(reference: Path) -> dict[str, Any]:
    """Absence distributions by kind of pupil, and per year and phase the level and the code rates to reach."""
    bands = pd.read_csv(reference / "attendance/absence_band_counts_national_2016_17_to_2021_22.csv")
    bands = bands[bands["time_period"] == BAND_YEAR]
    columns = [name for name in bands.columns if name.startswith("b")]
    cells: list[dict[str, Any]] = []
    fitted: dict[str, tuple[FloatArray, FloatArray]] = {}
    for phase, (school_type, _, years) in PHASES.items():
        rows = bands[
            (bands["school_type"] == school_type)
            & bands["nc_year_actual"].isin(list(years))
            & bands["fsm_eligible"].isin(["Eligible", "Not Eligible"])
            & (bands["sen_status"] != "Unclassified")
            & (bands["gender"] != "Unclassified")
        ]
        grouped = rows.groupby(["nc_year_actual", "fsm_eligible", "sen_status", "gender"])[columns].sum()
        tables: list[FloatArray] = []
        pupils: list[float] = []
        for key, counts in grouped.iterrows():
            nc_year, fsm, sen, gender = key if isinstance(key, tuple) else (key,) * 4
            year_total = int(rows[rows["nc_year_actual"] == nc_year][columns].to_numpy().sum())
            values = counts.to_numpy(dtype=np.float64)
            # Special schools hold a handful of pupils filed as having no SEN: too few to make a distribution of.
            if values.sum() < 200:
                continue
            cells.append(
                {
                    "phase": phase,
                    "nc_year": int(str(nc_year)),
                    "fsm": fsm == "Eligible",
                    "sen": str(sen).startswith("Any"),
                    "female": gender == "Female",
                    "share": round(float(values.sum()) / year_total, 5),
                    "per_10k_by_band": [round(1e4 * float(n) / float(values.sum()), 1) for n in values],
                }
            )
            tables.append(quantile_table(values))
            pupils.append(float(values.sum()))
        fitted[phase] = (np.vstack(tables), np.array(pupils))

    to_date = pd.read_csv(reference / "attendance/year_to_date_2022_23_to_2024_25.csv", low_memory=False)
    codes = pd.read_csv(reference / "attendance/national_code_rates_2022_23_to_2024_25.csv")
    levels: list[dict[str, Any]] = []
    for phase, (_, name, _) in PHASES.items():
        rates, weights = fitted[phase]
        for year in YEARS:
            row = to_date[
                (to_date["geographic_level"] == "National")
                & (to_date["time_period"] == year)
                & (to_date["school_type"] == name)
            ].iloc[0]
            absence, persistent = float(row["overall_absence_perc"]) / 100, float(row["pa_perc"]) / 100
            here = codes[(codes["academic_year"] == year) & (codes["phase"] == name)]
            levels.append(
                {
                    "academic_year": f"{year // 100}/{(year // 100) + 1}",
                    "phase": phase,
                    "absence": round(absence, 6),
                    "authorised": round(float(row["authorised_absence_perc"]) / 100, 6),
                    "unauthorised": round(float(row["unauthorised_absence_perc"]) / 100, 6),
                    "illness": round(float(row["illness_perc"]) / 100, 6),
                    "persistent_absence": round(persistent, 6),
                    "scale": _rescale(rates, weights, absence, persistent),
                    "per_10k_possible": {
                        str(code): round(float(rate), 3)
                        for code, rate in zip(here["code"], here["per_10k_possible_sessions"], strict=True)
                        if not str(code).startswith("PRESENT")
                    },
                }
            )
    schools = to_date[(to_date["geographic_level"] == "National") & (to_date["time_period"] == YEARS[-1])]
    return {
        "about": {
            "cells": f"absence bands by phase, NC year, FSM, SEN, sex; pupil absence statistics {BAND_YEAR}, {_OGL}",
            "levels": f"pupil attendance in schools, year to date at the end of {YEARS[0]} and {YEARS[-1]}, {_OGL}",
            "scale": "bands times factor, bent about one tenth, have the year's absence and persistent absence",
        },
        "cells": cells,
        "levels": levels,
        "schools_by_phase": {
            phase: int(schools[schools["school_type"] == name]["total_num_schools"].iloc[0])
            for phase, (_, name, _) in PHASES.items()
        },
    }


def _rescale(rates: FloatArray, weights: FloatArray, absence: float, persistent: float) -> Scale:
    """The scale that gives a mixture of quantile tables a mean and a share at or above one tenth.

    The share settles the factor by itself, and then the mean the bend.
    """
    flat = rates.ravel()
    share = np.repeat(weights / weights.sum() / rates.shape[1], rates.shape[1])
    order = np.argsort(flat)
    threshold = float(np.interp(1 - persistent, np.cumsum(share[order]), flat[order]))
    factor = 0.1 / threshold

    def miss(bend: float) -> float:
        return float(share @ Scale(factor, bend).apply(flat)) - absence

    return Scale(round(factor, 5), round(float(brentq(miss, 0.3, 3.0)), 5))


def attainment(reference: Path) -> dict[str, Any]:
    """KS2 score bands, GCSE grades by KS2 band and A-level grades by mean GCSE points."""
    gcse = pd.read_csv(reference / "ks2_ks4_transitions/gcse_grade_counts_2021_2024.csv", dtype={"grade": str})
    gcse = gcse[(gcse["exam_year"] == GCSE_YEAR) & (gcse["topic"] == "Total") & (gcse["band_no"] <= 12)]
    measures = pd.read_csv(reference / "ks2_ks4_transitions/measures_2021_2024.csv")
    measures = measures[measures["exam_year"] == GCSE_YEAR].copy()
    measures["n"] = measures["ebacc_entered"] + measures["ebacc_not_entered"]
    scored = measures[measures["band_no"] <= 11]
    total = scored[scored["topic"] == "Total"].sort_values("band_no")
    shares = total["n"].to_numpy(dtype=np.float64) / float(total["n"].sum())
    edges = np.concatenate([[0.0], np.cumsum(shares)])
    mid_normal = norm.ppf((edges[:-1] + edges[1:]) / 2)
    shifts = {}
    for topic, group, name in (
        ("Disadvantage", "Disadvantaged", "fsm"),
        ("Disadvantage", "Not disadvantaged", "not_fsm"),
        ("SEN", "Any SEN", "sen"),
        ("SEN", "No identified SEN", "not_sen"),
        ("Sex", "Girls", "girl"),
        ("Sex", "Boys", "boy"),
    ):
        rows = scored[(scored["topic"] == topic) & (scored["group"] == group)].sort_values("band_no")
        n = rows["n"].to_numpy(dtype=np.float64)
        shifts[name] = round(float(n @ mid_normal / n.sum()), 4)

    pupils = {int(band): int(n) for band, n in measures.loc[measures["topic"] == "Total", ["band_no", "n"]].to_numpy()}
    with_and_without_score = sum(pupils[band] for band in range(1, 13))
    subjects = []
    for subject in GCSE_SUBJECTS:
        rows = gcse[(gcse["subject"] == subject) & ~gcse["grade"].isin(["X", "XX", "COVID"])]
        grades = sorted(rows["grade"].unique(), key=lambda grade: (not grade.startswith("U"), grade))
        table = (
            rows.pivot_table(index="band_no", columns="grade", values="n", aggfunc="sum")
            .reindex(range(1, 13))
            .fillna(0)[grades]
        )
        subjects.append(
            {
                "subject": subject,
                "grades": grades,
                "entry_per_1k_by_band": [
                    round(1000 * float(table.loc[band].to_numpy().sum()) / pupils[band]) for band in range(1, 13)
                ],
                "per_10k_by_band": [_per_10k(table.loc[band].to_numpy(dtype=np.float64)) for band in range(1, 13)],
            }
        )
    a_level = pd.read_csv(reference / "ks4_ks5_transitions/a_level_grade_counts_2022_2024.csv")
    a_level = a_level[(a_level["report_year"] == A_LEVEL_YEAR) & (a_level["qualification"] == "GCE A level")]
    a_level = a_level[a_level["prior_gcse_aps_band"].isin(PRIOR_BANDS)]
    order = ["U", "E", "D", "C", "B", "A", "*"]
    sixth = []
    for subject in A_LEVEL_SUBJECTS:
        rows = a_level[a_level["subject"] == subject]
        by_band = rows.pivot_table(index="prior_gcse_aps_band", columns="grade", values="n", aggfunc="sum")
        by_band = by_band.reindex(index=list(PRIOR_BANDS), columns=order).fillna(0)
        sixth.append(
            {
                "subject": subject,
                "entries": int(by_band.to_numpy().sum()),
                "grades": ["A*" if grade == "*" else grade for grade in order],
                "per_10k_by_band": [_per_10k(row) for row in _filled(by_band.to_numpy(dtype=np.float64))],
            }
        )
    return {
        "about": {
            "ks2": f"KS2 bands (mean of reading and maths) of summer {GCSE_YEAR}, transition matrices, revised, {_OGL}",
            "gcse": f"GCSE grades by KS2 band, summer {GCSE_YEAR}, transition matrices, revised, all pupils, {_OGL}",
            "a_level": f"A-level grades by mean GCSE points, {A_LEVEL_YEAR}, 16-18 transition matrices, {_OGL}",
            "shifts": "mean normal score of each group's KS2 bands; the source does not cross groups",
        },
        "ks2_band_edges": [59, 80, 90, 96, 100, 102.5, 105, 107.5, 110, 113.5, 117, 120.5],
        "ks2_band_share": [round(float(share), 5) for share in shares],
        "ks2_unknown_share": round(pupils[12] / with_and_without_score, 5),
        "shifts": shifts,
        "gcse": subjects,
        "a_level": sixth,
    }


def _per_10k(counts: FloatArray) -> list[int]:
    total = float(counts.sum())
    return [round(1e4 * float(n) / total) if total else 0 for n in counts]


def _filled(table: FloatArray) -> FloatArray:
    """Give a band with under 30 entries the counts of the nearest band that has more."""
    enough = [index for index, row in enumerate(table) if row.sum() >= 30]
    return np.vstack([table[min(enough, key=lambda other: abs(other - index))] for index in range(len(table))])


def local_authorities(reference: Path) -> dict[str, Any]:
    """Code, name and region of every local authority of the attendance series."""
    rows = pd.read_csv(reference / "attendance/year_to_date_2022_23_to_2024_25.csv", low_memory=False)
    rows = rows[(rows["time_period"] == YEARS[-1]) & rows["old_la_code"].notna()]
    found = rows[["old_la_code", "la_name", "region_name"]].drop_duplicates().sort_values("old_la_code")
    return {
        "about": f"three-digit codes used in the pupil attendance files of {YEARS[-1]}, {_OGL}",
        "local_authorities": [
            {"code": f"{int(code):03d}", "name": str(name), "region": str(region)}
            for code, name, region in found.itertuples(index=False)
        ],
    }


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description="Rebuild the sandbox's national parameters from the published files.")
    parser.add_argument("reference", type=Path, help="folder of the re-tabulated reference files")
    reference: Path = parser.parse_args().reference
    for name, content in (
        ("attendance", attendance(reference)),
        ("attainment", attainment(reference)),
        ("local_authorities", local_authorities(reference)),
    ):
        path = DATA_DIR / f"{name}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1))
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
