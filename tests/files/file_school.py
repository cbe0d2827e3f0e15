"""A school with a handful of invented pupils, as a partner's extract has left them, and how to load files for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tables import UPNS

from orchestration.files.loading import GoodRows, Report, load_file
from orchestration.files.reading import Request
from orchestration.settings import Settings
from orchestration.warehouse.connection import Warehouse

SCHOOL = 1
TWIN = "V823999921003"  # two pupils have it, by mistake
PUPILS: dict[str, dict[str, Any]] = {
    "ana": {"upn": UPNS[0], "surname": "Beck", "forename": "Ana", "date_of_birth": date(2013, 11, 5)},
    "ben": {"upn": UPNS[1], "surname": "O'Néill", "forename": "Ben", "date_of_birth": date(2014, 3, 1)},
    "cleo": {"former_upn": UPNS[2], "upn": "Z330123419007", "surname": "Rao", "forename": "Cleo", "uln": "1234567890"},
    "dov": {"upn": None, "surname": "Stern", "forename": "Dov", "date_of_birth": date(2013, 1, 2)},
    "twin_1": {"upn": None, "surname": "Low", "forename": "Mai", "date_of_birth": date(2013, 6, 6)},
    "twin_2": {"upn": None, "surname": "Low", "forename": "Mai", "date_of_birth": date(2013, 6, 6)},
    "gus": {
        "upn": "A801200005001"[:0] or None,
        "surname": "Wren",
        "forename": "Gus",
        "date_of_birth": date(2012, 5, 5),
    },
}


@dataclass
class FileSchool:
    """``load`` a file for the school, and look at what became of it."""

    warehouse: Warehouse
    settings: Settings
    folder: Path

    def load(
        self,
        path: Path,
        kind: str,
        *,
        good_rows: GoodRows = "hold",
        dry_run: bool = False,
        centre: str | None = None,
        replaces: int | None = None,
        school_id: int = SCHOOL,
    ) -> Report:
        request = Request(path, kind, school_id, "ada", centre, replaces)
        return load_file(self.warehouse, self.settings, request, good_rows=good_rows, dry_run=dry_run)

    def query(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.warehouse.connect() as connection:
            return connection.execute(statement.encode(), parameters or None).fetchall()

    def results(self) -> list[tuple[Any, ...]]:
        """Live results: pupil, aspect, result set and value, by name."""
        return self.query(
            "select pupil_id, aspect.name, result_set.name, value from raw.result"
            " left join raw.aspect as aspect using (school_id, aspect_id)"
            " left join raw.result_set as result_set using (school_id, result_set_id)"
            " where result.removed_at is null order by 1, 2, 3"
        )

    def everything(self) -> list[tuple[Any, ...]]:
        """All that loading can change, but for the log of files and extracts."""
        tables = ("aspect", "result_set", "result", "pupil_sen_need", "pupil_status_period", "prior_attendance")
        rows = [self.query(f"select to_jsonb(t) from raw.{table} as t order by 1") for table in tables]
        rows.append(self.query("select to_jsonb(t) from quarantine.row as t order by 1"))
        rows.append(self.query("select to_jsonb(t) from ops.exam_number as t order by 1"))
        return [row for part in rows for row in part]


def put_school(warehouse: Warehouse) -> None:
    """The school, its source, an extract of it and its pupils."""
    with warehouse.connect() as connection:
        connection.execute(
            "insert into ops.school (school_id, partner, partner_school_id, name, la_code, establishment_number, state,"
            " timezone) overriding system value values (%s, 'wonde', 'A1', 'Elm School', '823', '4999', 'approved',"
            " 'Europe/London')",
            (SCHOOL,),
        )
        connection.execute(
            "insert into ops.source (school_id, partner, partner_school_id) values (%s, 'wonde', 'A1')", (SCHOOL,)
        )
        connection.execute("update ops.school set source_id = (select max(source_id) from ops.source)")
        connection.execute(
            "insert into ops.extract (run_id, school_id, source_id, category, mode, state)"
            " select 'first', school_id, source_id, 'basic', 'full', 'loaded' from ops.school"
        )
        for pupil_id, pupil in PUPILS.items():
            columns = {
                "school_id": SCHOOL,
                "pupil_id": pupil_id,
                "person_id": f"p-{pupil_id}",
                "extract_id": 1,
                **pupil,
            }
            columns |= {"nc_year": "6", "is_leaver": pupil_id == "gus"}
            names = ", ".join(columns)
            marks = ", ".join(["%s"] * len(columns))
            connection.execute(f"insert into raw.pupil ({names}) values ({marks})".encode(), list(columns.values()))
