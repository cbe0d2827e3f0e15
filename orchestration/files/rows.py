"""What a file says of a pupil, as rows of ``raw``.

Their ids begin with ``file:`` and are made of what a correction does not change: the person, the aspect and the
occasion of a result, the kind of a need, the first day of a period. So the same file changes nothing when it is loaded
again, a corrected one corrects its rows, and a result that comes in a transfer file and in a template is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.connectors.base import Row, Value
from orchestration.files.matching import Pupil
from orchestration.files.records import Item, Occasion, Result, SenNeed, StatusPeriod, YearAttendance
from orchestration.files.vocabulary import Vocabulary
from orchestration.ingest.categories import CATEGORIES, Category, Table

#: Every table that files fill, and its category.
TABLES: Mapping[str, tuple[Category, Table]] = {
    table.name: (spec.category, table)
    for spec in CATEGORIES.values()
    for table in spec.all_tables
    if table.name in ("aspect", "result_set", "result", "pupil_sen_need", "pupil_status_period", "prior_attendance")
}


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row of a raw table, by column; other columns are null."""

    table: str
    values: Mapping[str, Value]

    @property
    def key(self) -> Mapping[str, Value]:
        """What identifies it within the school."""
        return {column: self.values.get(column) for column in TABLES[self.table][1].key}

    def as_row(self) -> Row:
        """The row as the loader takes it."""
        return tuple(self.values.get(column) for column in TABLES[self.table][1].columns)


def of_pupil(item: Item, pupil: Pupil) -> RawRow:
    """The row of an item."""
    match item:
        case Result():
            return RawRow(
                "result",
                {
                    "result_id": f"file:{pupil.person_id}:{item.aspect}:{item.occasion.name}",
                    "pupil_id": pupil.pupil_id,
                    "aspect_id": f"file:{item.aspect}",
                    "result_set_id": f"file:{item.occasion.name}",
                    "value": item.value,
                    "result_date": item.result_date,
                },
            )
        case StatusPeriod():
            return RawRow(
                "pupil_status_period",
                {
                    "pupil_id": pupil.pupil_id,
                    "kind": item.kind,
                    "period_id": f"file:{item.start_date}",
                    "code": item.code,
                    "start_date": item.start_date,
                    "end_date": item.end_date,
                },
            )
        case SenNeed():
            return RawRow(
                "pupil_sen_need",
                {
                    "pupil_id": pupil.pupil_id,
                    "need_id": f"file:{item.need_type}",
                    "need_type": item.need_type,
                    "rank": item.rank,
                    "start_date": item.start_date,
                    "end_date": item.end_date,
                },
            )
        case YearAttendance():
            return RawRow(
                "prior_attendance",
                {
                    "pupil_id": pupil.pupil_id,
                    "academic_year": item.academic_year,
                    "la_code": item.la_code,
                    "establishment_number": item.establishment_number,
                    "sessions_possible": item.possible,
                    "sessions_attended": item.attended,
                    "sessions_authorised": item.authorised,
                    "sessions_unauthorised": item.unauthorised,
                },
            )


def shared(items: Iterable[Item], vocabulary: Vocabulary) -> list[RawRow]:
    """The aspects and result sets that the items name, each once."""
    results = [item for item in items if isinstance(item, Result)]
    aspects = dict.fromkeys(result.aspect for result in results)
    occasions: dict[str, Occasion] = {}
    for occasion in sorted({result.occasion for result in results}, key=lambda one: one.end_date):
        occasions[occasion.name] = occasion
    return [
        *(
            RawRow("aspect", {"aspect_id": f"file:{aspect}", "name": aspect, "result_type": _kind(aspect, vocabulary)})
            for aspect in aspects
        ),
        *(
            RawRow(
                "result_set",
                {"result_set_id": f"file:{name}", "name": name, "end_date": occasion.end_date},
            )
            for name, occasion in occasions.items()
        ),
    ]


def _kind(aspect: str, vocabulary: Vocabulary) -> str:
    measure = vocabulary.measure(aspect)
    return "NUMERIC" if measure and vocabulary.is_numeric(measure.scale) else "GRADE"
