"""Names that are hard to handle, for a school whose people are to have them."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from sandbox.world import SchoolData

#: (forename, surname): right to left, combining marks, emoji, apostrophes and hyphens, SQL, markup, spaces, length, a
#: formula, letters outside the basic plane, and one that changes its length with its case.
ODD_NAMES: tuple[tuple[str, str], ...] = (
    ("محمد", "الحسن"),
    ("שירה", "בן־דוד"),
    ("Zoe\u0301", "N\u0303u\u0301n\u0303ez"),
    ("Zo\u00e9", "\u00d1\u00fa\u00f1ez"),
    ("Max 👩‍🏫", "Smith 🎓"),
    ("D'Arcy", "O\u2019Neill-O'Brien"),
    ("Robert'); DROP TABLE students;--", 'Tables"'),
    ("<b>Ann</b>", "Ng & \\Sons"),
    (" Ada ", "van\u00a0der\u200bBerg"),
    ("Bartholomew" * 12, "Featherstonehaugh" * 8),
    ("=1+1", "@SUM(A1)"),
    ("\U0001d49cnna", "\U00020bb7田"),
    ("İpek", "Großmann"),
    ("X Æ A-12", "null"),
)


def rename(data: SchoolData) -> SchoolData:
    """The same school with those names, one after the other; both enrolments of a person keep one name."""

    def names(mis_id: str) -> dict[str, str]:
        forename, surname = ODD_NAMES[int(mis_id) % len(ODD_NAMES)]
        return {"forename": forename, "surname": surname}

    return replace(
        data,
        pupils=[
            msgspec.structs.replace(pupil, **names(pupil.mis_id), legal_forename=names(pupil.mis_id)["forename"])
            for pupil in data.pupils
        ],
        employees=[msgspec.structs.replace(employee, **names(employee.mis_id)) for employee in data.employees],
    )
