"""From a page's bytes to rows of our tables; see ``connectors.decoding`` for how a bad row is set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from orchestration.connectors.base import Decoded, Row, Rows
from orchestration.connectors.decoding import Output, RowsDecoder
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.values import Days, Moments, flag, sex, small, text
from orchestration.connectors.wonde import envelope, records
from orchestration.connectors.wonde.assessment import PathMap
from orchestration.ingest.categories import Category

T = TypeVar("T")

_Source = dict[str, Any]


class WondeDecoder:
    """Decodes the pages of one school and category; see ``base.Decoder``.

    Kept between pages: the school's attendance codes by id, and which exclusions already have a pupil.
    """

    def __init__(self, category: Category, assessment: PathMap) -> None:
        self._category = category
        self._incomplete: set[str] = set()
        self._codes: dict[str, str | None] = {}
        self._placed_exclusions: set[str] = set()
        self._streams = self._decoders(assessment)

    @property
    def incomplete(self) -> frozenset[str]:
        """See ``base.Decoder``."""
        return frozenset(self._incomplete)

    def decode(self, stream_name: str, body: bytes) -> Decoded:
        """See ``base.Decoder``. Raises ``MalformedPage`` for a body that is no page or belongs to no stream."""
        try:
            stream = self._streams[stream_name]
        except KeyError:
            raise MalformedPage(
                f"A page of {stream_name!r} does not belong to category {self._category}; "
                "was it archived by another version of the connector?"
            ) from None
        output, bad = stream.decode(body)
        return Decoded([Rows(table, rows) for table, rows in output.items()], bad)

    def _decoders(self, assessment: PathMap) -> Mapping[str, RowsDecoder[Any]]:
        def stream(tables: str, row_type: Any, build: Callable[[Sequence[Any], Output], None]) -> RowsDecoder[Any]:
            page = msgspec.json.Decoder(envelope.PageOf[row_type])
            return RowsDecoder(
                self._category,
                tuple(tables.split()),
                build,
                page=lambda body: page.decode(body).data,
                row=msgspec.json.Decoder(row_type).decode,
                split=envelope.split_rows,
            )

        match self._category:
            case Category.BASIC:
                return {
                    "students": stream("pupil", records.Pupil, _pupils(is_leaver=False)),
                    "students-leaver": stream("pupil", records.Pupil, _pupils(is_leaver=True)),
                }
            case Category.DEMOGRAPHICS:
                tables = "pupil_demographics pupil_sen_need pupil_status_period"
                return {
                    name: stream(tables, records.CensusPupil, _census(self._incomplete))
                    for name in ("students", "students-leaver")
                }
            case Category.TIMETABLE:
                tables = "teaching_group group_pupil group_staff"
                return {
                    "subjects": stream("subject", records.Subject, _subjects()),
                    "classes": stream(tables, records.TeachingClass, _classes(self._incomplete)),
                    "groups": stream(tables, records.Group, _groups(self._incomplete)),
                }
            case Category.ASSESSMENT:
                return {
                    source.name: stream(source.table, _Source, _mapped(source.table, source.read_row))
                    for source in assessment.sources
                }
            case Category.ATTENDANCE:
                return {
                    "attendance-codes": stream("attendance_code", records.AttendanceCode, _codes(self._codes)),
                    "session": stream("attendance_mark", records.Mark, _marks(self._codes)),
                    "session-leavers": stream("attendance_mark", records.Mark, _marks(self._codes)),
                    "exclusions": stream(
                        "exclusion", records.Exclusion, _exclusions(self._placed_exclusions, last=False)
                    ),
                    "exclusions-leavers": stream(
                        "exclusion", records.Exclusion, _exclusions(self._placed_exclusions, last=True)
                    ),
                }
            case Category.STAFF:
                return {"employees": stream("staff staff_role", records.Employee, _staff(self._incomplete))}


def _data(related: records.One[T] | None) -> T | None:
    return related.data if related else None


def _many(related: records.Many[T] | None, table: str, incomplete: set[str]) -> list[T]:
    """The related objects; where the partner sends none of the list itself, the table it fills is not whole."""
    if related is None or related.data is None:
        incomplete.add(table)
        return []
    return related.data


def _identity(relation: records.Relation) -> str | None:
    if isinstance(relation, records.Reference):
        return relation.data.id if relation.data else relation.id
    return relation


def _address_line(address: records.Address) -> str | None:
    """``12 Mill Lane``, ``Rose Cottage, 12 Mill Lane``."""
    street = " ".join(part for part in (text(address.house_number), address.street) if part)
    return ", ".join(part for part in (address.house_name, street) if part) or None


def _pupils(*, is_leaver: bool) -> Callable[[Sequence[records.Pupil], Output], None]:
    born, updated = Days("date_of_birth"), Moments("updated_at")
    admitted, left = Days("education_details.admission_date"), Days("education_details.leaving_date")

    def build(pupils: Sequence[records.Pupil], output: Output) -> None:
        rows = output["pupil"]
        for pupil in pupils:
            education = _data(pupil.education_details) or records.Education()
            contact = _data(pupil.contact_details)
            year = _data(pupil.year)
            addresses = (contact.addresses if contact else None) or records.Addresses()
            address = addresses.home or addresses.postal or records.Address()
            rows.append(
                (
                    pupil.id,
                    # Wonde's own key of the person is a hash of this one, which both partners pass on.
                    text(pupil.mis_id) or text(pupil.upi),
                    text(pupil.upi),
                    text(pupil.mis_id),
                    text(pupil.forename),
                    text(pupil.middle_names),
                    text(pupil.surname),
                    text(pupil.legal_forename),
                    text(pupil.legal_surname),
                    sex("gender", pupil.gender),
                    born[bytes(pupil.date_of_birth)],
                    text(education.upn),
                    text(education.former_upn),
                    text(education.learner_number),
                    text(education.admission_number),
                    text(education.current_nc_year) or (text(year.code) if year else None),
                    flag("education_details.part_time", education.part_time),
                    admitted[bytes(education.admission_date)],
                    left[bytes(education.leaving_date)],
                    _address_line(address),
                    text(address.town),
                    text(address.county),
                    text(address.postcode),
                    is_leaver,
                    updated[bytes(pupil.updated_at)],
                )
            )

    return build


def _census(incomplete: set[str]) -> Callable[[Sequence[records.CensusPupil], Output], None]:
    updated = Moments("updated_at")
    need_start, need_end = Days("sen_needs.start_date"), Days("sen_needs.end_date")
    range_start, range_end = Days("date_ranges.start_date"), Days("date_ranges.end_date")

    def build(pupils: Sequence[records.CensusPupil], output: Output) -> None:
        rows, needs, periods = output["pupil_demographics"], output["pupil_sen_need"], output["pupil_status_period"]
        for pupil in pupils:
            census = _data(pupil.extended_details) or records.Census()
            rows.append(
                (
                    pupil.id,
                    text(census.ethnicity),
                    text(census.first_language),
                    text(census.home_language),
                    flag("english_as_additional_language", census.english_as_additional_language),
                    text(census.english_as_additional_language_status),
                    text(census.sen_status),
                    flag("free_school_meals", census.free_school_meals),
                    flag("free_school_meals_6", census.free_school_meals_6),
                    flag("premium_pupil_indicator", census.premium_pupil_indicator),
                    flag("in_lea_care", census.in_lea_care),
                    flag("ever_in_care", census.ever_in_care),
                    flag("service_children_indicator", census.service_children_indicator),
                    text(census.enrolment_status),
                    updated[bytes(pupil.updated_at)],
                )
            )
            needs += [
                (
                    pupil.id,
                    need.id,
                    text(need.code) or text(need.type),
                    small("sen_needs.rank", need.rank),
                    need_start[bytes(need.start_date)],
                    need_end[bytes(need.end_date)],
                )
                for need in _many(pupil.sen_needs, "pupil_sen_need", incomplete)
            ]
            for kind, ranges in (
                ("fsm", pupil.fsm_date_ranges),
                ("sen", pupil.sen_date_ranges),
                ("in_care", pupil.in_care_date_ranges),
            ):
                periods += [
                    (
                        pupil.id,
                        kind,
                        period.id,
                        (text(period.code) or text(period.status) or text(period.type)) if kind == "sen" else None,
                        range_start[bytes(period.start_date)],
                        range_end[bytes(period.end_date)],
                    )
                    for period in _many(ranges, "pupil_status_period", incomplete)
                ]

    return build


def _subjects() -> Callable[[Sequence[records.Subject], Output], None]:
    updated = Moments("updated_at")

    def build(subjects: Sequence[records.Subject], output: Output) -> None:
        output["subject"] += [
            (
                subject.id,
                text(subject.code),
                text(subject.name),
                flag("active", subject.active),
                updated[bytes(subject.updated_at)],
            )
            for subject in subjects
        ]

    return build


def _classes(incomplete: set[str]) -> Callable[[Sequence[records.TeachingClass], Output], None]:
    updated = Moments("updated_at")

    def build(classes: Sequence[records.TeachingClass], output: Output) -> None:
        for group in classes:
            output["teaching_group"].append(
                (
                    group.id,
                    "CLASS",
                    text(group.code),
                    text(group.name),
                    text(_identity(group.subject)),
                    text(group.year_group),
                    text(group.academic_year),
                    updated[bytes(group.updated_at)],
                )
            )
            _members(group, incomplete, output)

    return build


def _groups(incomplete: set[str]) -> Callable[[Sequence[records.Group], Output], None]:
    updated = Moments("updated_at")

    def build(groups: Sequence[records.Group], output: Output) -> None:
        for group in groups:
            output["teaching_group"].append(
                (
                    group.id,
                    text(group.type),
                    text(group.code),
                    text(group.name),
                    None,
                    None,
                    None,
                    updated[bytes(group.updated_at)],
                )
            )
            _members(group, incomplete, output)

    return build


def _members(group: records.TeachingClass | records.Group, incomplete: set[str], output: Output) -> None:
    output["group_pupil"] += [(group.id, pupil.id) for pupil in _many(group.students, "group_pupil", incomplete)]
    for person in _many(group.employees, "group_staff", incomplete):
        is_main = flag("employees.meta.is_main_teacher", person.meta.is_main_teacher) if person.meta else None
        output["group_staff"].append((group.id, person.id, is_main))


def _mapped(table: str, read_row: Callable[[_Source], Row]) -> Callable[[Sequence[_Source], Output], None]:
    def build(source: Sequence[_Source], output: Output) -> None:
        output[table] += map(read_row, source)

    return build


def _codes(known: dict[str, str | None]) -> Callable[[Sequence[records.AttendanceCode], Output], None]:
    def build(codes: Sequence[records.AttendanceCode], output: Output) -> None:
        for code in codes:
            known[code.id] = text(code.code)
            output["attendance_code"].append((code.id, text(code.code), text(code.description), text(code.type)))

    return build


def _marks(codes: Mapping[str, str | None]) -> Callable[[Sequence[records.Mark], Output], None]:
    """Register marks. This is where the time of an extract goes, hence one loop with plain look-ups."""
    days, updated = Days("date"), Moments("updated_at")
    look_up = codes.get

    def build(marks: Sequence[records.Mark], output: Output) -> None:
        rows = output["attendance_mark"]
        for mark in marks:
            student, code, minutes = mark.student, mark.attendance_code, mark.minutes_late
            rows.append(
                (
                    student if type(student) is str else _identity(student),
                    days[bytes(mark.date)],
                    mark.session or None,
                    look_up(code) if type(code) is str else _included_code(code, codes),
                    None if minutes is None else small("minutes_late", minutes),
                    mark.comment or None,
                    mark.id,
                    updated[bytes(mark.updated_at)],
                )
            )

    return build


def _included_code(value: str | records.CodeReference | None, codes: Mapping[str, str | None]) -> str | None:
    if not isinstance(value, records.CodeReference):
        return None
    code = value.data or value
    return text(code.code) or (codes.get(code.id) if code.id else None)


def _exclusions(placed: set[str], *, last: bool) -> Callable[[Sequence[records.Exclusion], Output], None]:
    """Exclusions come twice: a leaver's row has its pupil only with ``include=student-leaver``, and a current pupil's
    only with ``include=student`` (source_apis.md 1.9). The read that has the pupil counts; a row that neither gave a
    pupil is kept without one from the last read, for a gate to find.
    """
    started, ended, updated = Days("start_date"), Days("end_date"), Moments("updated_at")

    def build(exclusions: Sequence[records.Exclusion], output: Output) -> None:
        for exclusion in exclusions:
            relations = (exclusion.student, exclusion.leaver, exclusion.leaver_underscored)
            pupil = next((found for found in map(_identity, relations) if found), None)
            if pupil is None and (not last or exclusion.id in placed):
                continue
            output["exclusion"].append(
                (
                    exclusion.id,
                    pupil,
                    text(exclusion.type_code),
                    text(exclusion.reason_code),
                    started[bytes(exclusion.start_date)],
                    text(exclusion.start_session),
                    ended[bytes(exclusion.end_date)],
                    text(exclusion.end_session),
                    small("sessions", exclusion.sessions),
                    updated[bytes(exclusion.updated_at)],
                )
            )
            if pupil is not None:
                placed.add(exclusion.id)

    return build


def _staff(incomplete: set[str]) -> Callable[[Sequence[records.Employee], Output], None]:
    updated = Moments("updated_at")
    joined, left = Days("employment_details.employment_start_date"), Days("employment_details.employment_end_date")
    role_start, role_end = Days("roles.start_date"), Days("roles.end_date")

    def build(people: Sequence[records.Employee], output: Output) -> None:
        for person in people:
            employment = _data(person.employment_details) or records.Employment()
            contact = _data(person.contact_details)
            emails = (contact.emails if contact else None) or records.Emails()
            output["staff"].append(
                (
                    person.id,
                    text(person.upi),
                    text(person.mis_id),
                    text(person.title),
                    text(person.forename),
                    text(person.surname),
                    text(emails.work) or text(emails.email) or text(emails.primary),
                    flag("employment_details.current", employment.current),
                    flag("employment_details.teaching_staff", employment.teaching_staff),
                    joined[bytes(employment.employment_start_date)],
                    left[bytes(employment.employment_end_date)],
                    updated[bytes(person.updated_at)],
                )
            )
            output["staff_role"] += [
                (
                    person.id,
                    role.id,
                    text(role.role),
                    text(role.role_code),
                    role_start[bytes(role.start_date)],
                    role_end[bytes(role.end_date)],
                )
                for role in _many(person.roles, "staff_role", incomplete)
            ]

    return build
