"""What students and employees have in common on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sandbox.wonde.view import SchoolView
from sandbox.wonde.wire import Row, local_date


def base(
    view: SchoolView,
    identifier: str,
    upi: str,
    mis_id: str,
    title: str | None,
    forename: str,
    middle_names: str | None,
    surname: str,
    legal_forename: str,
    *,
    female: bool,
    birth: date,
) -> Row:
    """Name, sex and birth of a person. Gender is upper case as in live data, lower case where the MIS sends birth as text."""
    gender = "FEMALE" if female else "MALE"
    return {
        "id": identifier,
        "upi": upi,
        "mis_id": mis_id,
        "title": title,
        "initials": forename[:1] + surname[:1],
        "surname": surname,
        "forename": forename,
        "middle_names": middle_names,
        "legal_surname": surname,
        "legal_forename": legal_forename,
        "gender": gender.lower() if view.mis.birth_text else gender,
        "gender_identity": None,
        "date_of_birth": birth.isoformat() if view.mis.birth_text else local_date(birth),
    }


def hide(view: SchoolView, row: Row, resource: str, properties: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]) -> None:
    """Put null for every property of ``resource`` whose scope is switched off."""
    for scope in view.denied:
        if not scope.startswith(f"{resource}.") or scope not in properties:
            continue
        for include, keys in properties[scope]:
            for key in keys:
                if include in ("", key):
                    if key in row:
                        row[key] = None
                elif row.get(include):
                    row[include]["data"][key] = None
