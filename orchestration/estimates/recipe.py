"""What look-ups follow from beside their reference. Kept with every run, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestration.estimates import challenge
from orchestration.estimates.challenge import SchoolEffects
from orchestration.estimates.model import Parameters
from orchestration.estimates.substitute import Substitute

#: Changes whenever the same reference and recipe would give other figures.
METHOD_VERSION = "2"


@dataclass(frozen=True)
class Recipe:
    """The operator's choices.

    Attributes:
        cohort_year: Year in which the first cohort that the look-ups are for is examined.
        levels: Challenge levels, per cent of schools that do better.
        parameters: Of the model of counts.
        effects: How much schools differ.
        substitutes: What stands for KS2 where it is missing; stage ks2_ks4 only.
        accept_graded_differently: A reference year that was graded differently is accepted; see ``years.caveat``.
    """

    cohort_year: int
    levels: tuple[float, ...] = challenge.LEVELS
    parameters: Parameters = field(default_factory=Parameters)
    effects: SchoolEffects = field(default_factory=SchoolEffects)
    substitutes: tuple[Substitute, ...] = ()
    accept_graded_differently: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain types for ``json``."""
        return {
            "cohort_year": self.cohort_year,
            "levels": list(self.levels),
            "parameters": asdict(self.parameters),
            "school_effects": {
                "school_share": self.effects.school_share,
                "source": self.effects.source,
                "by_subject": [
                    {"qualification": qualification, "subject": subject, "school_share": share}
                    for (qualification, subject), share in sorted(self.effects.by_subject.items())
                ],
            },
            "substitutes": [asdict(substitute) for substitute in self.substitutes],
            "accept_graded_differently": self.accept_graded_differently,
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Recipe:
        """The recipe that ``as_json`` told."""
        effects = kept["school_effects"]
        return Recipe(
            cohort_year=kept["cohort_year"],
            levels=tuple(float(level) for level in kept["levels"]),
            parameters=Parameters(**kept["parameters"]),
            effects=SchoolEffects(
                effects["school_share"],
                {(of["qualification"], of["subject"]): of["school_share"] for of in effects["by_subject"]},
                effects["source"],
            ),
            substitutes=tuple(Substitute.from_json(of) for of in kept["substitutes"]),
            accept_graded_differently=kept["accept_graded_differently"],
        )

    def run_id(self, digest: str) -> str:
        """Which run this recipe makes of the reference with that digest: a hash of all the tables follow from."""
        told = json.dumps({"method": METHOD_VERSION, "reference": digest, **self.as_json()}, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:16]
