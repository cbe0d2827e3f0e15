"""Invented people and places. No name is taken from a register."""

from __future__ import annotations

from functools import cache
from random import Random

import msgspec

from sandbox.parameters import DATA_DIR


class _Group(msgspec.Struct, frozen=True):
    girl: list[str]
    boy: list[str]
    surname_heads: list[str]
    surname_tails: list[str]
    surnames: list[str]


class _Streets(msgspec.Struct, frozen=True):
    heads: list[str]
    tails: list[str]


class _Towns(msgspec.Struct, frozen=True):
    heads: list[str]
    stems: list[str]


class _Names(msgspec.Struct, frozen=True):
    groups: dict[str, _Group]
    streets: _Streets
    towns: _Towns
    school_names: dict[str, list[str]]


class Address(msgspec.Struct, frozen=True):
    """A home. The postcode area ZZ does not exist."""

    house_number: str
    street: str
    town: str
    county: str
    postcode: str


#: One surname in this many is from the list of awkward ones.
_AWKWARD_SURNAME = 12
_DOUBLE_BARRELLED = 30


@cache
def _names() -> _Names:
    return msgspec.json.decode((DATA_DIR / "names.json").read_bytes(), type=_Names)


def forename(rng: Random, group: str, *, female: bool) -> str:
    """A given name of a name group (keys of ``names.json``)."""
    lists = _names().groups[group]
    return rng.choice(lists.girl if female else lists.boy)


def surname(rng: Random, group: str) -> str:
    """A family name: usually a head and a tail, sometimes with an apostrophe, hyphen or diacritic."""
    lists = _names().groups[group]
    if rng.randrange(_AWKWARD_SURNAME) == 0:
        return rng.choice(lists.surnames)
    single = rng.choice(lists.surname_heads) + rng.choice(lists.surname_tails)
    if rng.randrange(_DOUBLE_BARRELLED) == 0:
        return f"{single}-{rng.choice(lists.surname_heads)}{rng.choice(lists.surname_tails)}"
    return single


def town(rng: Random) -> str:
    """A place that is on no map."""
    places = _names().towns
    stem = rng.choice(places.stems)
    return f"{rng.choice(places.heads)} {stem}" if rng.random() < 0.5 else stem


def address(rng: Random, near: str, county: str) -> Address:
    """A home in the town ``near``."""
    streets = _names().streets
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    return Address(
        house_number=str(rng.randint(1, 140)),
        street=f"{rng.choice(streets.heads)} {rng.choice(streets.tails)}",
        town=near,
        county=county,
        postcode=f"ZZ{rng.randint(1, 99)} {rng.randint(0, 9)}{rng.choice(letters)}{rng.choice(letters)}",
    )


def school_name(rng: Random, phase: str, near: str) -> str:
    """Name of a school of a phase (primary, secondary, all through, special)."""
    return rng.choice(_names().school_names[phase]).format(town=near)
