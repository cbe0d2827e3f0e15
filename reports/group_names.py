"""How groups and their values are called on the pages, and in which order they stand."""

from __future__ import annotations

from collections.abc import Collection

GROUPS = {
    "year_group": "Year group",
    "sex": "Sex",
    "fsm": "Free school meals",
    "fsm6": "Free school meals in the last six years",
    "disadvantaged": "Disadvantaged",
    "sen": "Special educational needs",
    "eal": "English as an additional language",
    "ethnicity": "Ethnicity",
    "looked_after": "Looked after",
}
_NAMES = {
    ("sex", "F"): "Girls",
    ("sex", "M"): "Boys",
    ("sen", "N"): "No SEN",
    ("sen", "K"): "SEN support",
    ("sen", "E"): "EHC plan",
    ("fsm", "true"): "Eligible",
    ("fsm", "false"): "Not eligible",
    ("fsm6", "true"): "Eligible in six years",
    ("fsm6", "false"): "Not eligible in six years",
    ("disadvantaged", "true"): "Disadvantaged",
    ("disadvantaged", "false"): "Not disadvantaged",
    ("eal", "true"): "English additional",
    ("eal", "false"): "English first",
    ("ethnicity", "Not known"): "Refused or not obtained",
    ("looked_after", "true"): "Looked after",
    ("looked_after", "false"): "Not looked after",
}
#: Nulls stand last: what the school does not record, what it does not let us read, and what is one of the two.
_NULLS = {"not recorded": "Not recorded", "not permitted": "Not permitted", "not known": "Not known"}


def value_name(group: str, value: str) -> str:
    """``SEN support`` of ('sen', 'K'); the value itself where it has no other name."""
    if value in _NULLS:
        return _NULLS[value]
    if group == "year_group":
        return "Reception" if value == "R" else f"Nursery {value[1:]}" if value.startswith("N") else f"Year {value}"
    return _NAMES.get((group, value), value)


def is_null(value: str) -> bool:
    """Whether a value of a group says that there is none."""
    return value in _NULLS


def group_values(group: str, values: Collection[str]) -> list[str]:
    """Return the values in the order in which people read them: years by number, yes before no, unknown last."""
    return sorted(values, key=lambda value: _place(group, value))


def _place(group: str, value: str) -> tuple[int, int, str]:
    if value in _NULLS:
        return (2, list(_NULLS).index(value), value)
    if group == "year_group":
        number = int(value) if value.isdigit() else (0 if value == "R" else -9)
        return (1, number, value)
    order = [named for of, named in _NAMES if of == group]
    return (1, order.index(value) if value in order else len(order), value)
