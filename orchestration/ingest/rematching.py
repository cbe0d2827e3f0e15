"""After a move to another partner or another MIS: the records a school already has are called by their first ids again.

A later source gives every record another id. Rows of the later source are renamed, before anything judges them, to the
ids under which ``raw`` has the same records (``ops.record_alias``), so that pupils keep their marks, results and
targets. Pupils are told by ``pupil_matching``, other records by what names them in a school (``_NATURAL_KEYS``). An id
that means another record in ``raw`` gets the number of its source in front.

Only schools with more than one source come here; the others pay one look at ``ops.source``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row

from orchestration.ingest import sources, watermarks
from orchestration.ingest.categories import CategorySpec, Table
from orchestration.ingest.landing import Landing
from orchestration.ingest.pupil_matching import Candidate, match

#: Columns of ids, and the table whose records they are.
_RECORDS: Mapping[str, str] = {
    "pupil_id": "pupil",
    "staff_id": "staff",
    "subject_id": "subject",
    "group_id": "teaching_group",
    "aspect_id": "aspect",
    "result_set_id": "result_set",
    "result_id": "result",
    "exclusion_id": "exclusion",
    "code_id": "attendance_code",
}

#: What names a record within a school; the first key that is unambiguous on both sides counts.
_NATURAL_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "staff": (("email",), ("forename", "surname")),
    "subject": (("code", "name"), ("name",)),
    "teaching_group": (("kind", "code", "academic_year"), ("kind", "code")),
    "aspect": (("name",),),
    "result_set": (("name", "start_date"), ("name",)),
    "result": (("pupil_id", "aspect_id", "result_set_id", "result_date"),),
    "exclusion": (("pupil_id", "start_date", "start_session"),),
    "attendance_code": (("code",),),
}

#: What stands as gone may only have been missed by the reading before the move, so it is found again too, but last.
_LIVE_FIRST = ("removed_at is null", "removed_at is not null")

#: ``ops.record_alias.table_name`` of the person within the school, who has no table.
_PERSON = "person"


#: ``ops.record_alias.matched_on`` of a record that was not matched, whose id means another one in raw.
RENAMED = "none: the id was taken"


@dataclass(frozen=True, slots=True)
class UnmatchedPupil:
    """A pupil whom a move has left alone: on roll ``before`` it and not found again, or come ``after`` it unknown."""

    side: Literal["before", "after"]
    pupil_id: str
    forename: str | None
    surname: str | None
    upn: str | None
    date_of_birth: date | None


def rename(conn: psycopg.Connection[Any], spec: CategorySpec, landing: Landing, read_from: Mapping[int, int]) -> None:
    """Rename the landed ids of schools with an earlier source. ``read_from`` has each school's source."""
    for school_id, source_id in _moved(conn, read_from):
        move = _Move(conn, landing, school_id, source_id)
        for table in spec.tables:
            move.rename(table)


def unmatched(conn: psycopg.Connection[Any], school_id: int) -> list[UnmatchedPupil]:
    """Pupils on roll who were not found again at the school's last move, and those who came with it unknown.

    A pupil who joined after the move is not among the latter. By side and name.
    """
    with conn.cursor(row_factory=class_row(UnmatchedPupil)) as cursor:
        cursor.execute(
            """
            with source as (
                select source_id, first_seen_at from ops.school inner join ops.source using (source_id, school_id)
                where school_id = %(school)s
            ),
            matched as (
                select record_id from ops.record_alias inner join source using (source_id)
                where school_id = %(school)s and table_name = 'pupil' and matched_on <> %(renamed)s
            )
            select 'before' as side, pupil_id, forename, surname, upn, date_of_birth
            from raw.pupil
            inner join ops.lost_pupil as lost using (school_id, pupil_id)
            inner join source using (source_id)
            where school_id = %(school)s and pupil_id not in (select record_id from matched)
            union all
            select 'after', pupil_id, forename, surname, upn, date_of_birth
            from raw.pupil
            inner join ops.extract as wrote using (school_id, extract_id)
            inner join source using (source_id)
            where school_id = %(school)s and removed_at is null and is_leaver is not true
                and admission_date < source.first_seen_at
                and pupil_id not in (select record_id from matched)
                and exists (
                    select from ops.source as earlier
                    where earlier.school_id = %(school)s and earlier.partner <> %(file)s
                        and earlier.source_id < source.source_id
                )
            order by side desc, surname, forename
            """,
            {"school": school_id, "file": sources.FILE, "renamed": RENAMED},
        )
        return cursor.fetchall()


def match_by_hand(conn: psycopg.Connection[Any], school_id: int, *, before: str, after: str) -> None:
    """Let two ids in raw be one pupil from the school's next extract on, which is a full one.

    Raises ``ValueError``, and changes nothing, when the two are not an unmatched pupil of either side.
    """
    sides = {(pupil.side, pupil.pupil_id) for pupil in unmatched(conn, school_id)}
    for side, pupil_id in (("before", before), ("after", after)):
        if (side, pupil_id) not in sides:
            raise ValueError(
                f"{pupil_id} is no unmatched pupil from {side} the move of school {school_id}. "
                f"`mis connections unmatched --school {school_id}` lists them."
            )
    with conn.transaction():
        row = conn.execute("select source_id from ops.school where school_id = %s", (school_id,)).fetchone()
        assert row is not None
        people = dict(
            conn.execute(
                "select pupil_id, person_id from raw.pupil where school_id = %s and pupil_id = any(%s)",
                (school_id, [before, after]),
            ).fetchall()
        )
        for table_name, known, later in (("pupil", before, after), (_PERSON, people[before], people[after])):
            conn.execute(
                """
                insert into ops.record_alias
                    (school_id, source_id, table_name, source_record_id, record_id, matched_on)
                select %(school)s, %(source)s, %(table)s, coalesce(renamed.source_record_id, %(later)s), %(known)s,
                    'operator'
                from (select) as nothing
                left join ops.record_alias as renamed
                    on renamed.school_id = %(school)s and renamed.source_id = %(source)s
                    and renamed.table_name = %(table)s and renamed.record_id = %(later)s
                on conflict (school_id, source_id, table_name, source_record_id)
                    do update set record_id = excluded.record_id, matched_on = excluded.matched_on, matched_at = now()
                """,
                {"school": school_id, "source": row[0], "table": table_name, "known": known, "later": later},
            )
        watermarks.require_full(conn, [school_id])


def _moved(conn: psycopg.Connection[Any], read_from: Mapping[int, int]) -> list[tuple[int, int]]:
    rows = conn.execute(
        "select school_id from ops.source where school_id = any(%s) and partner <> %s group by 1 having count(*) > 1",
        (list(read_from), sources.FILE),
    )
    return [(school_id, read_from[school_id]) for (school_id,) in rows]


class _Move:
    """One school's landed rows of one later source."""

    def __init__(self, conn: psycopg.Connection[Any], landing: Landing, school_id: int, source_id: int) -> None:
        self._conn = conn
        self._landing = landing
        self._keys = {"school": school_id, "source": source_id, "file": sources.FILE, "renamed": RENAMED}
        self._source_id = source_id
        self._school_id = school_id

    def rename(self, table: Table) -> None:
        """Match the records of a table that are not known yet, and rename every id in its rows."""
        rows = self._landing.rows(table)
        own = table.key[0] if len(table.key) == 1 else None
        for column in table.columns:
            if column in _RECORDS and column != own:
                self._translate(rows, table, column)
        if own is None:
            return
        if table.name == "pupil":
            self._match_pupils(rows)
        for present in _LIVE_FIRST:
            for natural in _NATURAL_KEYS.get(table.name, ()):
                self._match(rows, table, own, natural, present)
        self._set_apart(rows, table, own)
        self._translate(rows, table, own)

    def _translate(self, rows: str, table: Table, column: str) -> None:
        self._run(
            f"""
            update {rows} as landed set {column} = alias.record_id from ops.record_alias as alias
            where landed.school_id = %(school)s and alias.school_id = %(school)s and alias.source_id = %(source)s
                and alias.table_name = '{_RECORDS[column]}' and alias.source_record_id = landed.{column}
            """
        )
        self._run(
            f"""
            update {self._landing.gone} as gone set id = alias.record_id from ops.record_alias as alias
            where gone.school_id = %(school)s and gone.table_name = '{table.name}' and gone.column_name = '{column}'
                and alias.school_id = %(school)s and alias.source_id = %(source)s
                and alias.table_name = '{_RECORDS[column]}' and alias.source_record_id = gone.id
            """
        )

    def _match(self, rows: str, table: Table, own: str, natural: Sequence[str], present: str) -> None:
        """Match records by a key: neither side matched yet, the key given in part at least, and unique on both.

        ``present`` is a condition on the rows of raw.
        """
        key = ", ".join(natural)
        same = " and ".join(f"landed.{column} is not distinct from known.{column}" for column in natural)
        given = " or ".join(f"{column} is not null" for column in natural)
        self._run(
            f"""
            insert into ops.record_alias (school_id, source_id, table_name, source_record_id, record_id, matched_on)
            select %(school)s, %(source)s, '{table.name}', landed.id, known.id, '{key}'
            from (
                select {own} as id, {key}, count(*) over (partition by {key}) as occurrences
                from {rows} as record
                where school_id = %(school)s and ({given}) and {self._is_new(table, own)}
            ) as landed
            inner join (
                select {own} as id, {key}, count(*) over (partition by {key}) as occurrences
                from raw.{table.name} as record
                where school_id = %(school)s and {present} and {self._is_of_an_earlier_source()}
                    and not exists (
                        select from ops.record_alias as alias
                        where alias.school_id = %(school)s and alias.source_id = %(source)s
                            and alias.table_name = '{table.name}' and alias.record_id = record.{own}
                    )
            ) as known
                on {same}
            where landed.occurrences = 1 and known.occurrences = 1 and landed.id is not null
            """
        )

    def _match_pupils(self, rows: str) -> None:
        columns = (
            "pupil_id, person_id, upn, former_upn, forename, surname, date_of_birth, admission_date,"
            " coalesce(is_leaver, false) as is_leaver"
        )
        after = self._candidates(f"select {columns} from {rows} where school_id = %(school)s and pupil_id is not null")
        people: dict[str | None, str | None] = {}
        for present in _LIVE_FIRST:
            known = dict(self._aliases("pupil"))
            before = self._candidates(
                f"select {columns} from raw.pupil as record where school_id = %(school)s and {present}"
                f" and {self._is_of_an_earlier_source()}"
            )
            found = match(
                [pupil for pupil in before if pupil.pupil_id not in known.values()],
                [pupil for pupil in after if pupil.pupil_id not in known],
            )
            self._enter("pupil", [(pair.after.pupil_id, pair.before.pupil_id, pair.matched_on) for pair in found])
            people = {pair.after.person_id: pair.before.person_id for pair in found} | people
        self._settle_persons(rows, after, people)

    def _settle_persons(self, rows: str, after: Sequence[Candidate], found: Mapping[str | None, str | None]) -> None:
        """A person of the later MIS is whom one of the enrolments was matched to, else nobody that raw has."""
        known = dict(self._aliases(_PERSON))
        new = {pupil.person_id for pupil in after if pupil.person_id} - known.keys()
        taken = {
            person
            for (person,) in self._conn.execute(
                f"""
                select person_id from raw.pupil as record
                where school_id = %(school)s and person_id = any(%(new)s) and {self._is_of_an_earlier_source()}
                """.encode(),
                {**self._keys, "new": sorted(new)},
            )
        }
        self._enter(
            _PERSON,
            [(person, found[person] or person, "a matched enrolment") for person in sorted(new) if person in found]
            + [(person, f"{self._source_id}:{person}", RENAMED) for person in sorted(taken - found.keys())],
        )
        self._run(
            f"""
            update {rows} as landed set person_id = alias.record_id from ops.record_alias as alias
            where landed.school_id = %(school)s and alias.school_id = %(school)s and alias.source_id = %(source)s
                and alias.table_name = '{_PERSON}' and alias.source_record_id = landed.person_id
            """
        )

    def _set_apart(self, rows: str, table: Table, own: str) -> None:
        """Records that were not matched, and whose id is another record's in raw."""
        self._run(
            f"""
            insert into ops.record_alias (school_id, source_id, table_name, source_record_id, record_id, matched_on)
            select distinct
                %(school)s, %(source)s, '{table.name}', record.{own}, %(source)s || ':' || record.{own}, %(renamed)s
            from {rows} as record
            where school_id = %(school)s and record.{own} is not null and {self._is_new(table, own)}
                and exists (
                    select from raw.{table.name} as in_raw
                    where in_raw.school_id = %(school)s and in_raw.{own} = record.{own}
                        and {self._is_of_an_earlier_source("in_raw")}
                )
            """
        )

    def _is_new(self, table: Table, own: str) -> str:
        return f"""not exists (
            select from ops.record_alias as alias
            where alias.school_id = %(school)s and alias.source_id = %(source)s
                and alias.table_name = '{table.name}' and alias.source_record_id = record.{own}
        )"""

    def _is_of_an_earlier_source(self, alias: str = "record") -> str:
        return f"""{alias}.extract_id in (
            select wrote.extract_id from ops.extract as wrote
            inner join ops.source as source using (source_id)
            where wrote.school_id = %(school)s and source.source_id <> %(source)s and source.partner <> %(file)s
        )"""

    def _aliases(self, table_name: str) -> list[tuple[str, str]]:
        return self._conn.execute(
            "select source_record_id, record_id from ops.record_alias"
            " where school_id = %s and source_id = %s and table_name = %s",
            (self._school_id, self._source_id, table_name),
        ).fetchall()

    def _candidates(self, query: str) -> list[Candidate]:
        with self._conn.cursor(row_factory=class_row(Candidate)) as cursor:
            cursor.execute(query.encode(), self._keys)
            return cursor.fetchall()

    def _enter(self, table_name: str, aliases: Sequence[tuple[str, str, str]]) -> None:
        with self._conn.cursor() as cursor:
            cursor.executemany(
                "insert into ops.record_alias"
                " (school_id, source_id, table_name, source_record_id, record_id, matched_on)"
                " values (%s, %s, %s, %s, %s, %s)",
                [(self._school_id, self._source_id, table_name, *alias) for alias in aliases],
            )

    def _run(self, statement: str) -> None:
        self._conn.execute(statement.encode(), self._keys)
