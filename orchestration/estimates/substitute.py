"""Measures that stand for KS2 where it is missing: where their values lie in the nation, and how far they go with KS2.

Neither is in the public data. The operator gives them with their source (docs/estimates.md, pupils without KS2); the
one that is shipped is an assumption and labelled so in every estimate made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from orchestration.estimates.errors import EstimateError

MEASURES = ("ks1", "standardised_test", "teacher_assessment")
CONFIDENCES = ("H", "M", "L")
_COLUMNS = ["measure", "value", "share", "correlation", "source", "confidence"]


class SubstituteError(EstimateError):
    """A substitute that cannot be used; the message says what it lacks."""


@dataclass(frozen=True)
class Substitute:
    """A measure that stands for the KS2 mean, and where its values lie in the nation.

    Attributes:
        measure: One of ``MEASURES``.
        values: Values, lowest first: scores, or codes of ordered categories.
        from_share: Share of the nation's pupils below each value.
        to_share: Share at or below it. Equal to ``from_share`` for a score on a fine scale.
        correlation: Correlation of its normal scores with those of the KS2 mean: from 0 to below 1.
        source: Where shares and correlation come from.
        confidence: H (read in the source or measured), M (well known) or L (assumed).
    """

    measure: str
    values: tuple[float, ...]
    from_share: tuple[float, ...]
    to_share: tuple[float, ...]
    correlation: float
    source: str
    confidence: str

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise SubstituteError(f"A substitute is one of {', '.join(MEASURES)}, not {self.measure}.")
        if not 0 <= self.correlation < 1:
            raise SubstituteError(f"The correlation with KS2 must be from 0 to below 1, not {self.correlation}.")
        if not len(self.values) == len(self.from_share) == len(self.to_share) > 0:
            raise SubstituteError("Give each value the share of pupils below it and at or below it.")
        pairs = zip(self.from_share, self.to_share, strict=True)
        if any(not (0 <= low <= high <= 1 and high > 0 and low < 1) for low, high in pairs):
            raise SubstituteError("Shares of pupils run from 0 to 1, the lower one first.")
        if not self.source:
            raise SubstituteError("Say where the correlation and the shares come from.")
        if self.confidence not in CONFIDENCES:
            raise SubstituteError(f"The confidence is one of {', '.join(CONFIDENCES)}, not {self.confidence!r}.")

    @property
    def method(self) -> str:
        """What estimates made from it are called."""
        return f"fallback_{self.measure}" + ("_assumed" if self.confidence == "L" else "")

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Substitute:
        """The substitute whose ``asdict`` went through JSON."""
        lists = {name: tuple(kept[name]) for name in ("values", "from_share", "to_share")}
        return Substitute(**{**kept, **lists})


def standardised_test(
    correlation: float, source: str, confidence: str, *, lowest: int = 60, highest: int = 140
) -> Substitute:
    """A standardised score with national mean 100 and standard deviation 15 (CAT4 and its like)."""
    values = tuple(float(score) for score in range(lowest, highest + 1))
    # Rounded, so that the run does not hang on the last bit of a machine.
    below = tuple(round(float(share), 10) for share in norm.cdf((np.array(values) - 100) / 15))
    return Substitute("standardised_test", values, below, below, correlation, source, confidence)


def categories(
    measure: str, shares: Mapping[float, float], correlation: float, source: str, confidence: str
) -> Substitute:
    """Ordered categories by their codes: ``shares`` of the nation's pupils in each (they sum to 1).

    Raises:
        SubstituteError: the shares do not sum to 1.
    """
    total = sum(shares.values())
    if abs(total - 1) > 0.01 or min(shares.values()) <= 0:
        raise SubstituteError(f"The shares of the categories must be above 0 and sum to 1, not {total:.3f}.")
    codes = tuple(sorted(shares))
    ends = [round(float(end), 10) for end in np.cumsum([shares[code] for code in codes]) / total]
    return Substitute(measure, codes, (0.0, *ends[:-1]), tuple(ends), correlation, source, confidence)


def read(path: Path) -> tuple[Substitute, ...]:
    """Substitutes from a CSV file: a row a category, or one row without value and share for a standardised score.

    Raises:
        SubstituteError: the file does not have the format of docs/estimates.md.
    """
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    if list(rows.columns) != _COLUMNS:
        raise SubstituteError(f"{path.name} must have the columns {', '.join(_COLUMNS)}, in this order.")
    return tuple(_from_rows(path.name, str(measure), of) for measure, of in rows.groupby("measure", sort=True))


def _from_rows(name: str, measure: str, rows: pd.DataFrame) -> Substitute:
    told = rows[["correlation", "source", "confidence"]].drop_duplicates()
    if len(told) != 1:
        raise SubstituteError(f"{name}, {measure}: give one correlation, source and confidence in all its rows.")
    try:
        correlation = float(told["correlation"].iloc[0])
        shares = {float(v): float(s) for v, s in zip(rows["value"], rows["share"], strict=True) if v or s}
    except ValueError as error:
        raise SubstituteError(f"{name}, {measure}: value, share and correlation are numbers ({error}).") from error
    source, confidence = told["source"].iloc[0], told["confidence"].iloc[0]
    if shares:
        if len(shares) != len(rows):
            raise SubstituteError(f"{name}, {measure}: give each value once, with its share.")
        return categories(measure, shares, correlation, source, confidence)
    if measure != "standardised_test" or len(rows) != 1:
        raise SubstituteError(
            f"{name}, {measure}: only a standardised test, in one row, goes without values and shares."
        )
    return standardised_test(correlation, source, confidence)
