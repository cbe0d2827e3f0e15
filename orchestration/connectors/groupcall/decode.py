"""From an answer's result sets to rows of our tables; see ``connectors.decoding`` for how a bad row is set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from orchestration.connectors.base import BadRow, Decoded, Gone, Row, Rows
from orchestration.connectors.decoding import Output, RowsDecoder
from orchestration.connectors.errors import MalformedPage
from orchestration.connectors.groupcall import envelope, records
from orchestration.connectors.groupcall.envelope import Outside, Records
from orchestration.connectors.groupcall.words import BareKeys, bare, code_type, is_current, is_leaver, nc_year
from orchestration.connectors.values import LOCAL_ZONE, BadValue, Code, Days, Moments, flag, sex, small, text
from orchestration.ingest.categories import Category

Build = Callable[[Sequence[Any], Output], None]

#: Tables whose rows may come again: a subject with each group, a member in two roles or along with another page (I).
_ONCE = frozenset({"subject", "group_pupil", "group_staff"})

_IDENTIFIED = Records(records.Identified)


@dataclass(frozen=True, slots=True)
class _Gone:
    """What a set's deleted keys identify: rows of ``table`` whose ``column`` is ``of(key)``."""

    table: str
    column: str
    of: Callable[[str | int], str] = bare


@dataclass(frozen=True, slots=True)
class _ResultSet:
    """One result set of a stream: how its rows are read, the tables that depend on it, what its deleted keys mean."""

    name: str
    rows: RowsDecoder[Any]
    tables: tuple[str, ...]
    gone: _Gone | None = None


class GroupcallDecoder:
    """Decodes the pages of one school and category; see ``base.Decoder``.

    Kept between pages: what a row needs of a row of another set or page, and which rows came already.
    """

    def __init__(self, category: Category) -> None:
        self._category = category
        self._incomplete: set[str] = set()
        self._seen: dict[str, set[Row]] = {table: set() for table in _ONCE}
        self._academic_year: str | None = None
        self._main_teachers: dict[str, str | None] = {}
        self._entitled_to: dict[str, bool] = {}
        self._employed: dict[str, str] = {}
        self._streams = self._result_sets()

    @property
    def incomplete(self) -> frozenset[str]:
        """See ``base.Decoder``."""
        return frozenset(self._incomplete)

    def decode(self, stream_name: str, body: bytes) -> Decoded:
        """See ``base.Decoder``. Raises ``MalformedPage`` for a body that is no page or belongs to no stream."""
        try:
            sets = self._streams[stream_name]
        except KeyError:
            raise MalformedPage(
                f"A page of {stream_name!r} does not belong to category {self._category}; "
                "was it archived by another version of the connector?"
            ) from None
        outside = envelope.read(body)
        if not any(outside.rows(part.name) is not None for part in sets):
            raise MalformedPage(f"The answer is no page: it has no {' or '.join(part.name for part in sets)}.")
        if outside.as_at:
            self._academic_year = _year_name(outside.as_at)
        found: Output = {table: [] for part in sets for table in part.tables}
        decoded = Decoded()
        for part in sets:
            self._decode_set(part, outside, found, decoded)
        decoded.rows.extend(Rows(table, self._once(table, rows)) for table, rows in found.items())
        return decoded

    def _decode_set(self, part: _ResultSet, outside: Outside, found: Output, decoded: Decoded) -> None:
        rows = outside.rows(part.name)
        if rows is None:
            self._incomplete.update(part.tables)
        else:
            output, bad = part.rows.decode(rows)
            for table, made in output.items():
                found[table] += made
            decoded.bad.extend(bad)
        deleted = outside.rows(f"{part.name}_deleted")
        if deleted is not None and part.gone is not None:
            self._decode_deleted(part.gone, deleted, decoded)

    def _decode_deleted(self, gone: _Gone, deleted: bytes, decoded: Decoded) -> None:
        ids = []
        for row in envelope.split(deleted):
            try:
                ids.append(gone.of(_IDENTIFIED.one(row).Id))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                decoded.bad.append(BadRow(gone.table, row, f"a deleted row without its key: {error}"))
        if ids:
            decoded.gone.append(Gone(gone.table, gone.column, ids))

    def _once(self, table: str, rows: list[Row]) -> list[Row]:
        if table not in self._seen:
            return rows
        seen = self._seen[table]
        fresh = [row for row in dict.fromkeys(rows) if row not in seen]
        seen.update(fresh)
        return fresh

    def _result_sets(self) -> Mapping[str, tuple[_ResultSet, ...]]:
        def part(name: str, tables: str, record: Any, build: Build, gone: _Gone | None = None) -> _ResultSet:
            kind, filled = Records(record), tuple(tables.split())
            rows = RowsDecoder(self._category, filled, build, page=kind.all, row=kind.one, split=envelope.split)
            return _ResultSet(name, rows, filled, gone)

        match self._category:
            case Category.BASIC:
                return {"students": (part("Students", "pupil", records.Pupil, _pupils(), _Gone("pupil", "pupil_id")),)}
            case Category.DEMOGRAPHICS:
                return {
                    "students": (
                        part(
                            "Students",
                            "pupil_demographics",
                            records.Census,
                            _census(),
                            _Gone("pupil_demographics", "pupil_id"),
                        ),
                    ),
                    "sen": (
                        part(
                            "StudentSENTypeHistory",
                            "pupil_sen_need",
                            records.Need,
                            _needs(),
                            _Gone("pupil_sen_need", "need_id"),
                        ),
                        part(
                            "StudentSENProvisionHistory",
                            "pupil_status_period",
                            records.Provision,
                            _provisions(),
                            _Gone("pupil_status_period", "period_id", _sen_period),
                        ),
                    ),
                    "entitlements": (
                        part(
                            "EntitlementGroups",
                            "pupil_status_period",
                            records.EntitlementGroup,
                            _entitlement_groups(self._entitled_to),
                        ),
                        part(
                            "EntitlementGroupStudents",
                            "pupil_status_period",
                            records.Entitlement,
                            _entitlements(self._entitled_to),
                        ),
                    ),
                }
            case Category.TIMETABLE:
                members = (
                    part("StudentMembers", "group_pupil", records.StudentMember, _student_members()),
                    part("StaffMembers", "group_staff", records.StaffMember, _staff_members(self._main_teachers)),
                )
                return {
                    "teaching-groups": (
                        part("Group", "subject teaching_group", records.Group, self._teaching_groups()),
                        *members,
                    ),
                    "registration-groups": (
                        part("Group", "teaching_group", records.Group, self._registration_groups()),
                        *members,
                    ),
                }
            case Category.ASSESSMENT:
                return {
                    "structure": (
                        part("Aspects", "aspect", records.Aspect, _aspects),
                        part("ResultSets", "result_set", records.ResultSet, _assessment_occasions),
                    ),
                    "results": (part("AsmResults", "result", records.Result, _results()),),
                }
            case Category.ATTENDANCE:
                return {
                    "codes": (part("AttendCodes", "attendance_code", records.AttendanceCode, _codes),),
                    "marks": (part("AttendMarks", "attendance_mark", records.Mark, _marks()),),
                    "lateness": (part("AttendMarks", "attendance_mark", records.Mark, _lateness()),),
                    "exclusions": (
                        part(
                            "StudentExclusions",
                            "exclusion",
                            records.Exclusion,
                            _exclusions(),
                            _Gone("exclusion", "exclusion_id"),
                        ),
                    ),
                }
            case Category.STAFF:
                return {
                    "staff": (part("Staff", "staff", records.StaffPerson, _staff(), _Gone("staff", "staff_id")),),
                    "contracts": (
                        part("StaffContracts", "staff_role", records.Contract, _contracts(self._employed)),
                        part("StaffRoles", "staff_role", records.Role, _roles(self._employed)),
                    ),
                }

    def _teaching_groups(self) -> Build:
        updated = _moments("LastUpdated")

        def build(groups: Sequence[records.Group], output: Output) -> None:
            for group in groups:
                subject = _key(group.SubjectLocalId)
                self._main_teachers[bare(group.Id)] = _key(group.PrimaryStaffId)
                output["teaching_group"].append(
                    (
                        bare(group.Id),
                        "CLASS",
                        text(group.Code),
                        text(group.Name),
                        subject,
                        None,
                        self._academic_year,
                        updated[bytes(group.LastUpdated)],
                    )
                )
                # Of subjects the partner lists no more than what stands with the groups that are taught them.
                if subject is not None:
                    output["subject"].append((subject, text(group.SubjectCode), text(group.SubjectName), None, None))

        return build

    def _registration_groups(self) -> Build:
        updated = _moments("LastUpdated")

        def build(groups: Sequence[records.Group], output: Output) -> None:
            for group in groups:
                self._main_teachers[bare(group.Id)] = _key(group.PrimaryStaffId)
                output["teaching_group"].append(
                    (
                        bare(group.Id),
                        "REGISTRATION",
                        text(group.Code),
                        text(group.Name),
                        None,
                        None,
                        None,
                        updated[bytes(group.LastUpdated)],
                    )
                )

        return build


def _moments(field: str) -> Moments:
    """The partner writes moments in school-local time without a zone (I)."""
    return Moments(field, LOCAL_ZONE)


def _year_name(moment: datetime) -> str:
    """``2025/2026``: groups have no year of their own, and only those of the present one are listed."""
    local = moment.astimezone(LOCAL_ZONE)
    first = local.year if local.month >= 9 else local.year - 1
    return f"{first}/{first + 1}"


def _key(value: Code) -> str | None:
    return None if value is None or value == "" else bare(value)


def _sen_period(key: str | int) -> str:
    """Periods of several kinds share a table: without their kind two could have one id, and one be deleted for both."""
    return f"sen-{bare(key)}"


def _address_line(pupil: records.Pupil) -> str | None:
    """``12 Mill Lane``, ``Rose Cottage, 12 Mill Lane``, ``Flat 2, 12 Mill Lane``."""
    street = " ".join(part for part in (text(pupil.HouseNo), text(pupil.Street)) if part)
    return ", ".join(part for part in (text(pupil.Apartment), text(pupil.HouseName), street) if part) or None


def _pupils() -> Build:
    born, admitted, left = Days("DateofBirth"), Days("EntryDate"), Days("LeavingDate")
    updated = _moments("LastUpdated")

    def build(pupils: Sequence[records.Pupil], output: Output) -> None:
        rows = output["pupil"]
        for pupil in pupils:
            person = _key(pupil.IdaasId) or bare(pupil.Id)
            rows.append(
                (
                    bare(pupil.Id),
                    person,
                    None,
                    person,
                    text(pupil.Forename),
                    text(pupil.MiddleName),
                    text(pupil.Surname),
                    text(pupil.LegalForename),
                    text(pupil.LegalSurname),
                    sex("Gender", pupil.Gender),
                    born[bytes(pupil.DateofBirth)],
                    text(pupil.UPN),
                    text(pupil.FormerUPN),
                    text(pupil.UniqueLearnerNumber),
                    text(pupil.AdmissionNo),
                    nc_year(pupil.YearGroup),
                    None,
                    admitted[bytes(pupil.EntryDate)],
                    left[bytes(pupil.LeavingDate)],
                    _address_line(pupil),
                    text(pupil.TownOrCity),
                    text(pupil.County),
                    text(pupil.PostCode),
                    is_leaver(pupil.StudentStatus),
                    updated[bytes(pupil.LastUpdated)],
                )
            )

    return build


def _census() -> Build:
    updated = _moments("LastUpdated")

    def build(pupils: Sequence[records.Census], output: Output) -> None:
        output["pupil_demographics"] += [
            (
                bare(pupil.Id),
                text(pupil.EthnicityCode) or text(pupil.Ethnicity),
                text(pupil.FirstLanguageCode) or text(pupil.FirstLanguage),
                text(pupil.HomeLanguageCode) or text(pupil.HomeLanguage),
                flag("EAL", pupil.EAL),
                text(pupil.EnglishProficiencyLevel),
                text(pupil.SENProvision),
                flag("FSMEligible", pupil.FSMEligible),
                flag("FSMEver6", pupil.FSMEver6),
                flag("PupilPremium", pupil.PupilPremium),
                flag("InLeaCare", pupil.InLeaCare),
                flag("EverInCare", pupil.EverInCare),
                flag("ServiceChild", pupil.ServiceChild),
                text(pupil.EnrolmentStatus),
                updated[bytes(pupil.LastUpdated)],
            )
            for pupil in pupils
        ]

    return build


def _needs() -> Build:
    started, ended = Days("NeedStartDate"), Days("NeedEndDate")

    def build(needs: Sequence[records.Need], output: Output) -> None:
        output["pupil_sen_need"] += [
            (
                _key(need.StudentMis_Id),
                bare(need.Id),
                text(need.NeedTypeCode) or text(need.NeedTypeDescription),
                small("Rank", need.Rank),
                started[bytes(need.NeedStartDate)],
                ended[bytes(need.NeedEndDate)],
            )
            for need in needs
        ]

    return build


def _provisions() -> Build:
    started, ended = Days("SENProvisionStartDate"), Days("SENProvisionEndDate")

    def build(provisions: Sequence[records.Provision], output: Output) -> None:
        output["pupil_status_period"] += [
            (
                _key(provision.StudentMis_Id),
                "sen",
                _sen_period(provision.Id),
                text(provision.SENProvisionCode) or text(provision.SENProvisionDescription),
                started[bytes(provision.SENProvisionStartDate)],
                ended[bytes(provision.SENProvisionEndDate)],
            )
            for provision in provisions
        ]

    return build


def _entitlement_groups(known: dict[str, bool]) -> Build:
    """Learns which groups are free school meals; the others are known from the pupil's own row."""

    def build(groups: Sequence[records.EntitlementGroup], output: Output) -> None:
        for group in groups:
            names = {(group.Shortname or "").strip().lower(), (group.Fullname or "").strip().lower()}
            known[bare(group.Id)] = bool(names & {"fsm", "free school meals"})

    return build


def _entitlements(groups: Mapping[str, bool]) -> Build:
    started, ended = Days("StartDate"), Days("EndDate")

    def build(entitlements: Sequence[records.Entitlement], output: Output) -> None:
        for entitlement in entitlements:
            group = _key(entitlement.EntitlementGroupId)
            if group is None or group not in groups:
                raise BadValue("EntitlementGroupId", "is none of the answer's EntitlementGroups")
            if groups[group]:
                output["pupil_status_period"].append(
                    (
                        _key(entitlement.StudentId),
                        "fsm",
                        f"fsm-{bare(entitlement.Id)}",
                        None,
                        started[bytes(entitlement.StartDate)],
                        ended[bytes(entitlement.EndDate)],
                    )
                )

    return build


def _student_members() -> Build:
    def build(members: Sequence[records.StudentMember], output: Output) -> None:
        output["group_pupil"] += [(bare(member.GroupId), bare(member.StudentId)) for member in members]

    return build


def _staff_members(main_teachers: Mapping[str, str | None]) -> Build:
    def build(members: Sequence[records.StaffMember], output: Output) -> None:
        for member in members:
            group, person = bare(member.GroupId), bare(member.StaffId)
            main = main_teachers.get(group)
            output["group_staff"].append((group, person, None if main is None else main == person))

    return build


def _aspects(aspects: Sequence[records.Aspect], output: Output) -> None:
    output["aspect"] += [
        (bare(aspect.Id), text(aspect.Name), text(aspect.AspectType and aspect.AspectType.upper()), None)
        for aspect in aspects
    ]


def _assessment_occasions(sets: Sequence[records.ResultSet], output: Output) -> None:
    output["result_set"] += [(bare(found.Id), text(found.Name), None, None, None) for found in sets]


def _results() -> Build:
    days = Days("ResultDate")

    def build(results: Sequence[records.Result], output: Output) -> None:
        output["result"] += [
            (
                bare(result.Id),
                _key(result.StudentId),
                _key(result.AspectId),
                _key(result.ResultSetId),
                text(result.Result),
                days[bytes(result.ResultDate)],
                None,
            )
            for result in results
        ]

    return build


def _codes(codes: Sequence[records.AttendanceCode], output: Output) -> None:
    output["attendance_code"] += [
        (code.Mark, code.Mark, text(code.Description), code_type(code.MeaningDescription)) for code in codes
    ]


def _marks() -> Build:
    """Register marks. This is where the time of an extract goes, hence one loop with plain look-ups."""
    days, keys = Days("Date"), BareKeys()

    def build(marks: Sequence[records.Mark], output: Output) -> None:
        rows = output["attendance_mark"]
        for mark in marks:
            minutes = mark.MinsLate
            rows.append(
                (
                    keys[mark.StudentId],
                    days[bytes(mark.Date)],
                    mark.Session or None,
                    mark.Mark or None,
                    None if minutes is None else small("MinsLate", minutes),
                    mark.Notes or None,
                    str(mark.Id),
                    None,
                )
            )

    return build


def _lateness() -> Build:
    """Of the marks of a day those alone that say more than the ranges do."""
    build = _marks()

    def build_some(marks: Sequence[records.Mark], output: Output) -> None:
        build([mark for mark in marks if mark.MinsLate is not None or mark.Notes], output)

    return build_some


def _exclusions() -> Build:
    started, ended, updated = Days("StartDate"), Days("EndDate"), _moments("LastUpdated")

    def build(exclusions: Sequence[records.Exclusion], output: Output) -> None:
        output["exclusion"] += [
            (
                bare(exclusion.Id),
                _key(exclusion.StudentId),
                text(exclusion.ExclusionTypeCode),
                text(exclusion.ExclusionReasonCode),
                started[bytes(exclusion.StartDate)],
                text(exclusion.StartSession),
                ended[bytes(exclusion.EndDate)],
                text(exclusion.EndSession),
                small("ExclusionSessions", exclusion.ExclusionSessions),
                updated[bytes(exclusion.LastUpdated)],
            )
            for exclusion in exclusions
        ]

    return build


def _staff() -> Build:
    joined, left, updated = Days("EmploymentStart"), Days("EmploymentEnd"), _moments("LastUpdated")

    def build(people: Sequence[records.StaffPerson], output: Output) -> None:
        output["staff"] += [
            (
                bare(person.Id),
                None,
                _key(person.IdaasId) or bare(person.Id),
                text(person.Title),
                text(person.Forename),
                text(person.Surname),
                text(person.WorkEmail),
                is_current(person.StaffStatus),
                flag("IsTeacher", person.IsTeacher),
                joined[bytes(person.EmploymentStart)],
                left[bytes(person.EmploymentEnd)],
                updated[bytes(person.LastUpdated)],
            )
            for person in people
        ]

    return build


def _contracts(employed: dict[str, str]) -> Build:
    """Learns whose a contract is; a row of its own it does not make."""

    def build(contracts: Sequence[records.Contract], output: Output) -> None:
        employed.update((bare(contract.Id), bare(contract.StaffId)) for contract in contracts)

    return build


def _roles(employed: Mapping[str, str]) -> Build:
    started, ended = Days("RoleStartDate"), Days("RoleEndDate")

    def build(roles: Sequence[records.Role], output: Output) -> None:
        for role in roles:
            contract = bare(role.ContractId)
            if contract not in employed:
                raise BadValue("ContractId", "is none of the answer's StaffContracts, so whose role it is is not known")
            output["staff_role"].append(
                (
                    employed[contract],
                    bare(role.Id),
                    text(role.Role),
                    None,
                    started[bytes(role.RoleStartDate)],
                    ended[bytes(role.RoleEndDate)],
                )
            )

    return build
