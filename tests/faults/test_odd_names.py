"""Names and comments that are hard to handle reach raw as they are, to the last character."""

# The letters are of other scripts on purpose.
# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from fault_plans import PartnerName
from faulty_installation import Installation, Installations

from orchestration.ingest.categories import CATEGORIES, Category
from sandbox.odd_names import ODD_NAMES

#: Right to left, with marks that combine, joined emoji, direction overrides, separators; what SQL, COPY, templates,
#: formats and spreadsheets take for theirs; blanks that a reader might trim; length.
ODD_TEXTS = (
    "عبد\u200cالله بن محمد",
    "\u202eגב\u05bcר\u05b4יאל\u202c",
    "e\u0301\u0323\u0308 \u0041\u030a \u1100\u1161",
    "👩🏽‍❤️‍💋‍👨🏿 🏴󠁧󠁢󠁷󠁬󠁳󠁿",
    'O\'Neill-O\u2019Brien "Bobby" `tick`',
    "'; drop table raw.pupil; --",
    "\\N \\. \\x41 \\\\ \\",
    " leading and trailing \u00a0\u2003",
    "\ttab, line\nfeed, \u2028separator, \ufeffmark",
    "%s %(name)s {0} {{ 7 * 7 }} ${HOME} $1",
    '<script>alert("1")</script>&amp;',
    "=cmd|' /C calc'!A0",
    "null",
    "\U0010fffd\U00020bb7\ufffd",
    "ñ" * 10_000,
)
_FIELDS = {
    "wonde": {"people": ("students", "surname"), "marks": ("attendance/session", "comment")},
    "groupcall": {"people": ("Students", "Surname"), "marks": ("AttendanceForDate", "Notes")},
}
_COMMENT = " ".join(ODD_TEXTS[:-1])


@pytest.mark.parametrize("partner", ["wonde", "groupcall"])
def test_odd_names_are_names_like_others(installations: Installations, partner: PartnerName) -> None:
    with installations.new(partner, begun=False) as here:
        here.fault({"kind": "unicode", "school": "{school}"})
        for category in (Category.BASIC, Category.STAFF):
            assert {outcome.state for outcome in here.extract(category, patient=True).values()} == {"loaded"}
            truth = here.truth(here.disturbed, category)
            for table in CATEGORIES[category].tables:
                assert here.raw(here.disturbed, table) == truth[table.name]
        number = here.numbers[here.disturbed]
        for table in ("pupil", "staff"):
            names = here.query(f"select distinct forename, surname from raw.{table} where school_id = %s", number)
            assert set(names) <= set(ODD_NAMES)
            assert len(names) > 5
        assert here.leftovers() == []


@pytest.mark.parametrize("partner", ["wonde", "groupcall"])
def test_odd_texts_arrive_to_the_last_character(installations: Installations, partner: PartnerName) -> None:
    with installations.new(partner, begun=False) as here:
        endpoint, field = _FIELDS[partner]["people"]
        marks, comment = _FIELDS[partner]["marks"]
        here.fault(
            *(_says(endpoint, field, text, rows=[place]) for place, text in enumerate(ODD_TEXTS)),
            _says(marks, comment, _COMMENT),
        )
        for category in (Category.BASIC, Category.ATTENDANCE):
            outcome = here.extract(category, patient=True)[here.disturbed]
            assert (outcome.state, outcome.rows_quarantined) == ("loaded", 0), outcome.message
        assert set(ODD_TEXTS) <= _values(here, "pupil", "surname")
        assert _values(here, "attendance_mark", "comment") - {None} == {_COMMENT}
        # Read again, they are what they were.
        for category in (Category.BASIC, Category.ATTENDANCE):
            again = here.extract(category, patient=True, full=True)[here.disturbed]
            assert (again.rows_loaded, again.rows_removed) == (0, 0)


def _says(endpoint: str, field: str, text: str, *, rows: list[int] | None = None) -> dict[str, object]:
    place = {"rows": rows} if rows is not None else {}
    return {"kind": "corrupt", "school": "{school}", "endpoint": endpoint, "field": field, "value": text, **place}


def _values(here: Installation, table: str, column: str) -> set[str | None]:
    number = here.numbers[here.disturbed]
    return {value for (value,) in here.query(f"select {column} from raw.{table} where school_id = %s", number)}
