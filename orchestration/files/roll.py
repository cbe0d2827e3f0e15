"""The pupils on roll of a school, for templates that are filled with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg


def on_roll(conn: psycopg.Connection[Any], school_id: int, nc_years: Sequence[str]) -> list[dict[str, str]]:
    """One row per pupil on roll in these national curriculum years (all when none is named), by the columns of a
    template, in order of year and name.
    """
    found = conn.execute(
        """
        select distinct on (nc_year, surname, forename, coalesce(person_id, pupil_id))
            coalesce(upper(upn), ''), coalesce(uln, ''), coalesce(surname, ''), coalesce(forename, ''),
            coalesce(date_of_birth::text, '')
        from raw.pupil
        where school_id = %s and removed_at is null and not coalesce(is_leaver, false) and leaving_date is null
            and (%s = '{}'::text[] or upper(nc_year) = any(%s))
        order by nc_year, surname, forename, coalesce(person_id, pupil_id)
        """,
        (school_id, list(nc_years), list(nc_years)),
    )
    return [
        dict(zip(("upn", "uln", "surname", "forename", "date_of_birth"), row, strict=True)) for row in found.fetchall()
    ]
