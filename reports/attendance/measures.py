"""The rates that pages show beside one another, in the order in which people read them."""

from __future__ import annotations

#: By the column of the published relations.
MEASURES = {
    "attendance_rate": "Attendance",
    "absence_rate": "Absence",
    "authorised_rate": "Authorised absence",
    "unauthorised_rate": "Unauthorised absence",
    "persistent_absence_rate": "Persistently absent",
    "severe_absence_rate": "Severely absent",
}
_OF_PUPILS = ("persistent_absence_rate", "severe_absence_rate")


def unit(measure: str) -> str:
    """What the measure is a part of: ``% of pupils`` or ``% of possible sessions``."""
    return "% of pupils" if measure in _OF_PUPILS else "% of possible sessions"
