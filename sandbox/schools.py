"""Which schools there are: phase, size, MIS, place and character of each, from the seed alone."""

from __future__ import annotations

from random import Random

import msgspec

from sandbox import names
from sandbox.identity import Kind, partner_id
from sandbox.parameters import attendance_parameters, local_authorities

#: NC years by number: nursery -2 and -1, reception 0, then 1 to 13.
NURSERY, RECEPTION = -1, 0
LAST_PRIMARY, LAST_COMPULSORY, LAST_SIXTH = 6, 11, 13

#: States that a school has towards the application when it is not approved, in the order of the extra schools.
OTHER_STATES = ("pending", "revoked", "declined", "audited", "offline")

#: About 170 of 21,300 schools in the attendance series are all-through; the phase column files them under secondary.
_ALL_THROUGH_SHARE = 0.008
#: Every so many schools has its own code list, beginning with the fifth, so that the default three have not.
_CUSTOM_CODES_EVERY, _CUSTOM_CODES_FIRST = 25, 4


class Mis(msgspec.Struct, frozen=True):
    """How one management information system differs on the wire.

    ``described``: characteristics as descriptions, not codes. ``birth_text``: date of birth as plain text.
    ``pre_admission``: Z marks from the start of the year to a late admission. ``inset_marks``: # on INSET days.
    ``without``: includes it cannot give. ``connector``: what Groupcall calls it. ``meta_once``: Groupcall's later pages
    of it have an empty ``meta``. ``prefixed_members``: Groupcall's members of its groups have ids with a prefix.
    """

    name: str
    described: bool
    birth_text: bool
    pre_admission: bool
    inset_marks: bool
    without: tuple[str, ...]
    connector: str
    meta_once: bool
    prefixed_members: bool


MIS: dict[str, Mis] = {
    mis.name: mis
    for mis in (
        Mis(
            "SIMS",
            described=False,
            birth_text=False,
            pre_admission=True,
            inset_marks=True,
            without=("campus",),
            connector="simsnet",
            meta_once=True,
            prefixed_members=False,
        ),
        Mis(
            "Arbor",
            described=True,
            birth_text=True,
            pre_admission=False,
            inset_marks=False,
            without=("house", "in_care_date_ranges", "campus"),
            connector="arbor",
            meta_once=False,
            prefixed_members=False,
        ),
        Mis(
            "Bromcom",
            described=False,
            birth_text=False,
            pre_admission=False,
            inset_marks=True,
            without=("identifiers",),
            connector="bromcom",
            meta_once=False,
            prefixed_members=True,
        ),
    )
}


class School(msgspec.Struct, frozen=True):
    """One school as planned. Sizes are pupils at full strength.

    ``typical``: no school effects and national shares of FSM, so that a small default world lies near the national
    figures. ``partner_school``: place in the plan of the school that shares a dually registered pupil with this one.
    """

    index: int
    id: str
    name: str
    phase: str
    mis: str
    urn: int
    la_code: str
    la_name: str
    establishment_number: str
    town: str
    first_year: int
    last_year: int
    nursery: int
    primary_intake: int
    secondary_intake: int
    sixth_intake: int
    typical: bool
    custom_codes: bool
    publishes_classes: bool
    state: str
    partner_school: int | None

    @property
    def estab(self) -> str:
        """LA code and establishment number, seven digits."""
        return self.la_code + self.establishment_number

    @property
    def wire_phase(self) -> str:
        """The partner's word for the phase."""
        return {"primary": "PRIMARY", "secondary": "SECONDARY", "all through": "ALL THROUGH", "special": "SPECIAL"}[
            self.phase
        ]

    def pupil_phase(self, nc_year: int) -> str:
        """Whose national figures a pupil of this school follows: primary, secondary or special."""
        if self.phase == "special":
            return "special"
        return "primary" if nc_year <= LAST_PRIMARY else "secondary"


def plan(seed: int, schools: int, size: float) -> list[School]:
    """The approved schools and then one school for each state of ``OTHER_STATES``.

    The first three are always a primary, a secondary with sixth form and an all-through school; the rest follow the
    national shares of phases. ``size`` scales every intake. The second and third school share a pupil.
    """
    planned = [_school(seed, index, "approved", size) for index in range(schools)]
    if schools >= 3:
        planned[1:3] = [
            msgspec.structs.replace(planned[1], partner_school=2),
            msgspec.structs.replace(planned[2], partner_school=1),
        ]
    extra = [_school(seed, schools + place, state, size / 2) for place, state in enumerate(OTHER_STATES)]
    return planned + extra


def _school(seed: int, index: int, state: str, size: float) -> School:
    rng = Random(f"school/{seed}/{index}")
    phase = _phase(rng, index) if state == "approved" else "primary"
    authorities = local_authorities()
    # Ten schools in a row share an authority and its establishment numbers run from 4900, so LAESTAB stays unique.
    authority = authorities[(seed + index // 10) % len(authorities)]
    establishment = 4900 + index % 10 + 10 * (index // 10 // len(authorities))
    town = names.town(rng)
    typical = index < 3 and state == "approved"
    nursery, primary, secondary, sixth = _sizes(rng, phase, size, typical=typical)
    first = RECEPTION if phase in ("primary", "all through", "special") else 7
    last = {"primary": LAST_PRIMARY, "special": LAST_COMPULSORY}.get(phase, LAST_SIXTH if sixth else LAST_COMPULSORY)
    mis = list(MIS)[index % len(MIS)]
    return School(
        index=index,
        id=partner_id(Kind.SCHOOL, 200030 + 7 * index),
        name=names.school_name(rng, phase, town),
        phase=phase,
        mis=mis,
        urn=199000 + index if index < 1000 else 190000 + index - 1000,
        la_code=authority.code,
        la_name=authority.name,
        establishment_number=str(establishment),
        town=town,
        first_year=first if not nursery else NURSERY,
        last_year=last,
        nursery=nursery,
        primary_intake=primary,
        secondary_intake=secondary,
        sixth_intake=sixth,
        typical=typical,
        custom_codes=state == "approved" and index % _CUSTOM_CODES_EVERY == _CUSTOM_CODES_FIRST,
        publishes_classes=phase in ("secondary", "all through"),
        state=state,
        partner_school=None,
    )


def _phase(rng: Random, index: int) -> str:
    if index < 3:
        return ("primary", "secondary", "all through")[index]
    counts = attendance_parameters().schools_by_phase
    total = sum(counts.values())
    draw = rng.random()
    if draw < _ALL_THROUGH_SHARE:
        return "all through"
    if draw < _ALL_THROUGH_SHARE + counts["special"] / total:
        return "special"
    return "primary" if draw < _ALL_THROUGH_SHARE + (counts["special"] + counts["primary"]) / total else "secondary"


def _sizes(rng: Random, phase: str, size: float, *, typical: bool) -> tuple[int, int, int, int]:
    """Nursery places and yearly intakes of the primary, secondary and sixth-form years."""
    factor = size * (1.0 if typical else min(max(rng.lognormvariate(-0.08, 0.4), 0.25), 2.2))

    def scaled(pupils: int) -> int:
        return max(2, round(pupils * factor))

    if phase == "primary":
        # A typical state primary has about 280 pupils; the default one is a two-form school of 420.
        return (
            (scaled(35), scaled(55), 0, 0) if typical else (scaled(26) if rng.random() < 0.5 else 0, scaled(37), 0, 0)
        )
    if phase == "special":
        return (0, scaled(11), scaled(13), 0)
    if phase == "all through":
        return (0, scaled(45), scaled(95), scaled(55))
    return (0, 0, scaled(180), scaled(100) if typical or rng.random() < 0.6 else 0)
