"""The letter book and the seed of standard codes say the same."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from jinja2 import Environment

PROJECT = Path(__file__).parents[2] / "dbt_project"


def _letter_book() -> list[tuple[str, str | None, str]]:
    """The list of the macro, from the macro's own text."""
    text = (PROJECT / "macros" / "letter_book.sql").read_text()
    begin, end = text.index("return([") + len("return("), text.index("]) }}") + 1
    found: Any = Environment(autoescape=True).compile_expression(text[begin:end])()
    return [tuple(row) for row in found]


def test_a_letter_stands_for_one_thing_and_is_one_character() -> None:
    letters = [letter for letter, _, _ in _letter_book()]
    assert len(set(letters)) == len(letters)
    assert all(len(letter) == 1 and letter.isascii() and letter not in " '\"" for letter in letters)


def test_every_standard_code_has_a_letter_for_every_meaning_it_had() -> None:
    with (PROJECT / "seeds" / "standard_attendance_code.csv").open(newline="", encoding="utf-8") as file:
        in_force = {(row["code"], row["meaning"]) for row in csv.DictReader(file)}
    assert {(code, meaning) for _, code, meaning in _letter_book() if code} == in_force


def test_a_school_s_own_code_has_a_letter_for_every_meaning_a_partner_s_type_can_have() -> None:
    with (PROJECT / "seeds" / "attendance_code_type.csv").open(newline="", encoding="utf-8") as file:
        meanings = {row["meaning"] for row in csv.DictReader(file)}
    own = [meaning for _, code, meaning in _letter_book() if not code]
    assert meanings | {"unclassified"} == set(own)
    assert len(own) == len(set(own))


def test_no_code_counts_for_all_schools_as_another_standard_code() -> None:
    with (PROJECT / "seeds" / "standard_attendance_code.csv").open(newline="", encoding="utf-8") as file:
        standard = {row["code"] for row in csv.DictReader(file)}
    with (PROJECT / "seeds" / "custom_attendance_code.csv").open(newline="", encoding="utf-8") as file:
        for_all = {row["code"] for row in csv.DictReader(file) if row["laestab"] == "*"}
    assert for_all & standard == set()
