"""How a pupil is called on the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def pupil_label(pupil_key: int, names: Mapping[str, Any]) -> str:
    """``Surname, Forename`` for who may see names, else the platform's key, which is nobody's UPN."""
    return f"{names['surname']}, {names['forename']}" if names.get("surname") else f"Pupil {pupil_key}"
