"""Suspensions and exclusions entered so far."""

from __future__ import annotations

from sandbox.view import SchoolView

KINDS = {"SUSP": "Suspension", "PERM": "Permanent exclusion", "LNCH": "Lunchtime exclusion"}
REASONS = {
    "PP": "Physical assault against a pupil",
    "PA": "Physical assault against an adult",
    "VP": "Verbal abuse against a pupil",
    "VA": "Verbal abuse against an adult",
    "OW": "Use or threat of a weapon or prohibited item",
    "BU": "Bullying",
    "RA": "Racist abuse",
    "SM": "Sexual misconduct",
    "DA": "Drug and alcohol related",
    "DM": "Damage to property",
    "TH": "Theft",
    "DB": "Persistent or general disruption",
    "MT": "Inappropriate use of social media or technology",
}


def visible(view: SchoolView) -> list[int]:
    """Numbers of the exclusions entered so far. Some lunchtime exclusions are withdrawn again, and no deletion tells
    of it."""
    return [
        number
        for number, exclusion in enumerate(view.data.register.exclusions)
        if exclusion.created <= view.clock.now < (exclusion.withdrawn or view.clock.now + 1)
    ]
