"""``Timetable`` and ``TimetableStructure`` (source_apis.md 2.5)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sandbox.facts import groups, register
from sandbox.groupcall import ids
from sandbox.groupcall.wire import Request, Row, Sets, XodError
from sandbox.identity import Kind
from sandbox.timetable import PERIOD_ENDS, PERIOD_STARTS, PERIODS_A_DAY, SUBJECTS
from sandbox.view import SchoolView

#: Start and end of the two sessions of a day.
SESSIONS = {"AM": ("08:50:00", "12:20:00"), "PM": ("12:20:00", "15:10:00")}


def _range(view: SchoolView, request: Request) -> tuple[date, date]:
    """``DateFrom`` and ``DateTo``; one week back to two weeks ahead if they are not given."""
    today = view.clock.today
    first, last = request.day("DateFrom"), request.day("DateTo")
    first, last = first or today - timedelta(days=7), last or today + timedelta(days=14)
    if last < first:
        raise XodError("DateTo is before DateFrom")
    return first, last


def session_instance(day: date, half: str) -> str:
    """``Id`` of a dated session, which marks carry as ``InstanceId``."""
    return str(groups.day_number(day) * 2 + (half == "PM"))


def timetable(view: SchoolView, request: Request) -> Sets:
    """``Lessons``, ``LessonStaff`` and ``LessonRooms``, each empty without its option.

    A lesson of the cycle is there once for each date; who takes it and where is said once.
    """
    first, last = _range(view, request)
    found = groups.lessons(view, datetime.combine(first, time(0)), datetime.combine(last + timedelta(days=1), time(0)))
    lessons: list[Row] = []
    people: dict[str, Row] = {}
    rooms: dict[str, Row] = {}
    for lesson in found:
        teaching, day, slot = lesson
        number = str(81 + teaching.number * 25 + slot)
        teachers = groups.class_teachers(view, teaching)
        room = groups.room_names(teaching.room)[0]
        code, name = SUBJECTS[teaching.subject]
        lessons.append(
            {
                "Id": number,
                "PeriodId": str(groups.period_instance(day, slot)),
                "ClassId": ids.class_id(view, teaching),
                "JoinedId": None,
                "ClassName": teaching.code,
                "Period": groups.period_name(slot),
                "StartDateTime": f"{day}T{PERIOD_STARTS[slot % PERIODS_A_DAY]}",
                "EndDateTime": f"{day}T{PERIOD_ENDS[slot % PERIODS_A_DAY]}",
                "StaffCodes": ",".join(teacher.staff_code for teacher in teachers),
                "RoomCodes": room,
                "SubjectCode": code,
                "SubjectName": name,
            }
        )
        for teacher in teachers:
            key = f"{number}.{teacher.mis_id}"
            people[key] = {
                "Id": key,
                "LessonId": number,
                "StaffId": teacher.mis_id,
                "StaffCode": teacher.staff_code,
            }
        room_id = view.mis_id(Kind.ROOM, teaching.room)
        rooms[f"{number}.{room_id}"] = {
            "Id": f"{number}.{room_id}",
            "LessonId": number,
            "RoomId": room_id,
            "Code": room,
        }
    return {
        "Lessons": lessons if request.option("includeLessons") else [],
        "LessonStaff": list(people.values()) if request.option("includeLessonStaff") else [],
        "LessonRooms": list(rooms.values()) if request.option("includeLessonRooms") else [],
    }


def structure(view: SchoolView, request: Request) -> Sets:
    """``TTDays``, ``TTSessions``, ``TTPeriods``, ``TTSubjects``, ``TTRooms``; a primary school has no periods."""
    first, last = _range(view, request)
    days: list[Row] = []
    sessions: list[Row] = []
    periods: list[Row] = []
    for day in register.open_days(view):
        if not first <= day <= last:
            continue
        number, weekday = str(groups.day_number(day)), day.weekday()
        short = f"{day:%a}"
        days.append(
            {
                "Id": number,
                "EventId": str(186 + weekday),
                "EventDescription": short,
                "StartDateTime": f"{day}T00:00:00",
                "EndDateTime": f"{day}T23:59:59",
            }
        )
        for place, (half, (start, end)) in enumerate(SESSIONS.items()):
            sessions.append(
                {
                    "Id": session_instance(day, half),
                    "DayId": number,
                    "EventId": str(56 + 2 * weekday + place),
                    "EventDescription": f"{day:%A} {half}",
                    "Session": half,
                    "StartDateTime": f"{day}T{start}",
                    "EndDateTime": f"{day}T{end}",
                }
            )
        for slot in groups.periods(view):
            if slot // PERIODS_A_DAY != weekday:
                continue
            start, end = PERIOD_STARTS[slot % PERIODS_A_DAY], PERIOD_ENDS[slot % PERIODS_A_DAY]
            half = "AM" if start < SESSIONS["PM"][0] else "PM"
            periods.append(
                {
                    "Id": str(groups.period_instance(day, slot)),
                    "DayId": number,
                    "SessionId": session_instance(day, half),
                    "EventId": view.mis_id(Kind.PERIOD, slot),
                    "EventDescription": groups.period_name(slot),
                    "Session": half,
                    "StartDateTime": f"{day}T{start}",
                    "EndDateTime": f"{day}T{end}",
                }
            )
    return {
        "TTDays": days,
        "TTSessions": sessions,
        "TTPeriods": periods,
        "TTSubjects": [
            {"Id": view.mis_id(Kind.SUBJECT, number), "Code": SUBJECTS[number][0], "Name": SUBJECTS[number][1]}
            for number in groups.subjects(view)
        ],
        "TTRooms": [
            {"Id": view.mis_id(Kind.ROOM, number)} | dict(zip(("Code", "Name"), groups.room_names(number), strict=True))
            for number in groups.rooms(view)
        ],
    }
