"""For each core and mart suite: a good row, the changes that break each row rule, the statements that break each other.

``BASE`` is a small warehouse in which every suite passes: school 1 with one pupil, one day of marks, one of everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

AS_AT = date(2025, 7, 18)
FRIDAY = AS_AT
SATURDAY = date(2025, 7, 12)
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True)
class Built:
    """``rows[rule]``: changes to ``good`` that break a row rule. ``states[rule]``: SQL by which BASE breaks another."""

    good: dict[str, Any]
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)


def _counts(**given: int) -> dict[str, int]:
    names = ("possible", "present", "approved_activity", "authorised", "unauthorised")
    others = ("covid", "not_possible", "missing", "unclassified", "late")
    counts = dict.fromkeys((*names, *others), 0) | given
    counts["attended"] = given.get("attended", counts["present"] + counts["approved_activity"])
    counts["absence"] = given.get("absence", counts["authorised"] + counts["unauthorised"])
    return {f"{name}_sessions": value for name, value in counts.items()}


RATES = {"attendance_rate": 50.0, "absence_rate": 50.0, "authorised_rate": 50.0, "unauthorised_rate": 0.0}
DAY = _counts(possible=2, present=1, authorised=1)
NEGATIVE = {"late_sessions": -1}
KEY = {"school_id": 1, "pupil_key": 50}
NO_RATES = dict.fromkeys(RATES)


def _identities(prefix: str) -> dict[str, dict[str, Any]]:
    """An attended, a present and an authorised session too many: each breaks one identity."""
    return {
        f"{prefix}-002": {"covid_sessions": 1},
        f"{prefix}-003": {"approved_activity_sessions": 1},
        f"{prefix}-004": {"unauthorised_sessions": 1},
    }


def _at_friday(two: str, else_: str = "0") -> str:
    """A year's text with ``two`` at the sessions of FRIDAY, the 355th day from Monday 29 July 2024."""
    return (else_ * 708 + two).ljust(756, else_)


def _lost(relation: str) -> str:
    return f"delete from {relation}"


def _unbuilt(table: str, columns: str = "", values: str = "") -> str:
    """A second approved school with an accepted row of ``table`` that the build knows nothing of."""
    return (
        "insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value"
        " values (2, 'wonde', 'A2', 'Southmoor', 'approved');"
        f"insert into raw.{table} (school_id, extract_id{columns}) values (2, 1{values})"
    )


def _another_estimate(column: str, value: int) -> str:
    """An estimate of more prior attainment, or of more ambition, that is lower all the same."""
    columns = (
        "run_id, qualification, subject, level, sex, prior_measure, prior_value, challenge, grades, points, chances"
    )
    values = columns.replace(column, str(value)).replace("chances", "array[1, 0.7, 0.1]")
    return f"insert into core.estimate_lookup ({columns}) select {values} from core.estimate_lookup"


_ESTIMATE = {
    "stage": "ks2_ks4",
    "qualification": "GCSE",
    "subject": "History",
    "level": "subject",
    "sex": "F",
    "prior_measure": "ks2_mean",
    "prior_value": 100,
    "challenge": 50,
    "estimate_grade": "4",
    "chance": 0.8,
    "chance_higher": 0.1,
    "chance_lower": 0.2,
    "basis_n": 500,
    "effective_n": 400.0,
    "method": "own_counts",
    "grades": ["U", "4", "9"],
    "points": [0, 4, 9],
    "chances": [1.0, 0.8, 0.1],
    "run_id": "r",
    "reference_year": 2024,
}

BUILT: dict[str, Built] = {
    "core/attribute_permission": Built(
        {
            "school_id": 1,
            "attribute": "sen_status",
            "category": "demographics",
            "is_permitted": True,
            "null_means": "not recorded",
            "pupils": 20,
            "pupils_recorded": 1,
        },
        {
            "CAP-001": {"pupils_recorded": 0},
            "CAP-002": {"is_permitted": False},
        },
    ),
    "core/school": Built(
        {"school_id": 1, "state": "approved", "urn": 199999, "national_phase": "Secondary"},
        {
            "CSC-002": {"state": "lapsed"},
            "CSC-003": {"urn": None},
            "CSC-004": {"urn": 99999},
            "CSC-005": {"national_phase": None},
        },
        {"CSC-001": _lost("core.school")},
    ),
    "core/estimate_lookup": Built(
        _ESTIMATE,
        {
            "CEL-001": {"chances": [1.0, 0.8, 0.9]},
            "CEL-002": {"chance_higher": 0.6},
            "CEL-003": {"basis_n": 0},
        },
        {
            "CEL-004": _another_estimate("prior_value", 101),
            "CEL-005": _another_estimate("challenge", 20),
        },
    ),
    "core/pupil": Built(
        {
            **KEY,
            "person_id": "7010",
            "date_of_birth": date(2013, 11, 5),
            "nc_year": "7",
            "is_on_roll": True,
            "first_start_date": date(2024, 9, 2),
        },
        {
            "CPU-003": {"date_of_birth": date(1899, 12, 31)},
            "CPU-004": {"last_end_date": date(2024, 9, 1)},
            "CPU-005": {"nc_year": None},
            "CPU-006": {"date_of_birth": None},
        },
        {
            "CPU-001": _lost("core.pupil"),
            "CPU-002": _unbuilt("pupil", ", pupil_id", ", 'B1'"),
            "CPU-007": "update core.pupil set is_on_roll = false",
        },
    ),
    "core/enrolment": Built(
        {"school_id": 1, "pupil_id": "A1", "start_date": date(2024, 9, 2), "end_date": None, "is_leaver": False},
        {
            "CEN-002": {"end_date": date(2024, 9, 1)},
            "CEN-003": {"start_date": None},
            "CEN-004": {"is_leaver": True},
        },
        {"CEN-001": _lost("core.enrolment")},
    ),
    "core/pupil_characteristics": Built(
        {**KEY, "sen_status": "K", "ethnicity_group": "White", "is_fsm": True},
        {"CCH-002": {"sen_status": "S"}},
        {
            "CCH-001": _lost("core.pupil_characteristics"),
            "CCH-003": "update core.pupil_characteristics set ethnicity_group = null",
            "CCH-004": "update core.pupil_characteristics set is_fsm = null",
        },
    ),
    "core/school_day": Built(
        {
            "school_id": 1,
            "session_date": FRIDAY,
            "academic_year": 202425,
            "am_is_open": True,
            "pm_is_open": True,
            "marked_pupils": 1,
        },
        {
            "CSD-002": {"marked_pupils": -1},
            "CSD-003": {"session_date": SATURDAY},
            "CSD-004": {"session_date": date(2025, 8, 1)},
        },
        {
            "CSD-001": _lost("core.school_day"),
            "CSD-005": "insert into core.school_day (school_id, session_date, academic_year, am_is_open, marked_pupils)"
            " select 1, date '2024-09-02' + n, 202425, true, 1 from generate_series(1, 201) as n",
        },
    ),
    "core/exclusion": Built(
        {
            "school_id": 1,
            "exclusion_id": "Q1",
            "exclusion_type": "suspension",
            "reason": "Damage",
            "start_date": FRIDAY,
            "end_date": FRIDAY,
            "sessions": 2,
        },
        {
            "CEX-002": {"exclusion_type": None},
            "CEX-003": {"end_date": SATURDAY},
            "CEX-004": {"sessions": 91},
            "CEX-005": {"reason": None},
        },
        {"CEX-001": _lost("core.exclusion")},
    ),
    "core/result": Built(
        {"school_id": 1, "result_id": "X1", "aspect": "KS2 reading", "result_date": FRIDAY, "result_value": "104"},
        {
            "CRE-002": {"aspect": None},
            "CRE-003": {"result_date": date(1989, 12, 31)},
            "CRE-004": {"result_value": None},
        },
        {"CRE-001": _lost("core.result")},
    ),
    "core/staff": Built(
        {"school_id": 1, "staff_id": "T1", "email": "j.reed@northmoor.example", "is_current": True},
        {"CST-003": {"email": None}},
        {
            "CST-001": _lost("core.staff"),
            "CST-002": _unbuilt("staff", ", staff_id", ", 'T2'"),
            "CST-004": "update core.staff set is_current = false",
        },
    ),
    "core/teaching_group": Built(
        {"school_id": 1, "group_id": "G1", "group_kind": "CLASS"},
        {"CTG-002": {"group_kind": None}},
        {"CTG-001": _lost("core.teaching_group")},
    ),
    "marts/attendance/pupil_day": Built(
        {**KEY, "session_date": FRIDAY, "academic_year": 202425, **DAY},
        _identities("APD") | {"APD-005": NEGATIVE, "APD-006": {"missing_sessions": 1}},
        {
            "APD-001": _lost("build_attendance.pupil_day"),
            "APD-007": "update build_attendance.pupil_day set unclassified_sessions = 1",
            "APD-008": "update build_attendance.pupil_day set missing_sessions = 1",
        },
    ),
    "marts/attendance/session": Built(
        {
            **KEY,
            "session_date": FRIDAY,
            "session": "AM",
            "meaning": "present",
            "is_possible": True,
            "is_attended": True,
            "is_absence": False,
        },
        {
            "ASE-002": {"session": "EV"},
            "ASE-003": {"meaning": "elsewhere"},
            "ASE-004": {"is_possible": False},
        },
        {
            "ASE-001": _lost("build_attendance.session"),
            "ASE-005": "delete from build_attendance.session where session = 'PM'",
        },
    ),
    "marts/attendance/pupil_year": Built(
        {
            **KEY,
            "academic_year": 202425,
            "is_statistical": True,
            **DAY,
            **RATES,
            "is_persistently_absent": True,
            "is_severely_absent": True,
        },
        _identities("APY")
        | {
            "APY-002": {"covid_sessions": 1, "attendance_rate": 50.0, "absence_rate": 0.0},
            "APY-005": NEGATIVE,
            "APY-006": {"absence_rate": 51.0},
            "APY-007": _counts(possible=734, present=367, authorised=367),
            "APY-008": _counts(possible=402, present=201, authorised=201),
            "APY-009": _counts() | NO_RATES,
            "APY-010": {"is_persistently_absent": False},
            "APY-011": {"is_severely_absent": False},
        },
        {
            "APY-001": _lost("build_attendance.pupil_year"),
            "APY-012": _unbuilt("pupil", ", pupil_id", ", 'B1'")
            + ";insert into core.enrolment (school_id, pupil_id) values (2, 'B1');"
            "insert into core.register_year (school_id, academic_year, pupil_id, marks)"
            " values (2, 202425, 'B1', rpad('/', 756))",
        },
    ),
    "marts/attendance/calendar_day": Built(
        {"calendar_date": FRIDAY, "academic_year": 202425},
        states={
            "ACD-001": "update build_attendance.calendar_day set academic_year = 202324",
            "ACD-002": "insert into build_attendance.calendar_day (calendar_date, academic_year)"
            f" values ('{SATURDAY}', 202425)",
        },
    ),
    "core/register_year": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "pupil_id": "A1",
            "extract_id": 1,
            "marks": _at_friday("LI", " "),
            "possible": _at_friday("11"),
            "attended": _at_friday("10"),
            "authorised": _at_friday("01"),
            **dict.fromkeys(("unauthorised", "missing", "not_counted"), _at_friday("00")),
            "minutes_late": '{"709": 12}',
        },
        {
            "CRY-002": {"marks": "LI"},
            "CRY-003": {"unauthorised": _at_friday("10")},
            "CRY-006": {"academic_year": 200405},
            "CRY-007": {"minutes_late": '{"709": 401}'},
        },
        {
            "CRY-001": _lost("core.register_year"),
            "CRY-004": "update raw.attendance_mark set removed_at = now() where session = 'PM'",
            "CRY-005": _unbuilt("attendance_mark", ", pupil_id, mark_date, session", f", 'B1', '{FRIDAY}', 'AM'"),
            "CRY-008": f"update core.register_year set possible = '{_at_friday('10')}'",
        },
    ),
    "marts/attendance/pupil_term": Built(
        {
            **KEY,
            "academic_year": 202425,
            "term": "summer",
            "is_statistical": True,
            **DAY,
            **RATES,
            "is_persistently_absent": True,
            "is_severely_absent": True,
        },
        _identities("APT")
        | {
            "APT-002": {"covid_sessions": 1, "attendance_rate": 50.0, "absence_rate": 0.0},
            "APT-005": NEGATIVE,
            "APT-006": {"absence_rate": 51.0},
            "APT-007": _counts() | NO_RATES,
            "APT-008": {"is_persistently_absent": False},
            "APT-009": {"is_severely_absent": False},
            "APT-010": {"term": "winter"},
        },
        {"APT-001": _lost("build_attendance.pupil_term")},
    ),
    "marts/attendance/school_session": Built(
        {
            "school_id": 1,
            "session_date": FRIDAY,
            "session": "AM",
            "is_open": True,
            "pupils_expected": 2,
            "marked_percent": 100.0,
            **DAY,
            **RATES,
        },
        _identities("ASS")
        | {
            "ASS-002": {"covid_sessions": 1, "attendance_rate": 50.0, "absence_rate": 0.0},
            "ASS-005": NEGATIVE,
            "ASS-006": {"attendance_rate": 101.0},
            "ASS-007": {"pupils_expected": 3},
            "ASS-008": {"marked_percent": 101.0},
            "ASS-009": {"marked_percent": 79.0},
        },
        {"ASS-001": _lost("build_attendance.school_session")},
    ),
    "marts/attendance/school_week": Built(
        {"school_id": 1, "week_start": date(2025, 7, 14), "pupils": 1, **DAY, **RATES},
        _identities("ASW")
        | {
            "ASW-002": {"covid_sessions": 1, "attendance_rate": 50.0, "absence_rate": 0.0},
            "ASW-005": NEGATIVE,
            "ASW-006": {"attendance_rate": 101.0},
            "ASW-007": {"week_start": date(2025, 7, 15)},
            "ASW-008": {"pupils": 0},
            "ASW-009": _counts(possible=4, present=1, authorised=3) | {"attendance_rate": 25.0, "absence_rate": 75.0},
        },
        {"ASW-001": _lost("build_attendance.school_week")},
    ),
    "marts/attendance/school_year": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "enrolments": 2,
            "persistently_absent_enrolments": 1,
            "severely_absent_enrolments": 1,
            "persistent_absence_rate": 50.0,
            "severe_absence_rate": 50.0,
            **DAY,
            **RATES,
        },
        _identities("ASY")
        | {
            "ASY-002": {"covid_sessions": 1, "attendance_rate": 50.0, "absence_rate": 0.0},
            "ASY-005": NEGATIVE,
            "ASY-006": {"authorised_rate": None},
            "ASY-007": {"severely_absent_enrolments": 2},
            "ASY-008": {"persistent_absence_rate": None},
            "ASY-010": _counts(possible=4, present=1, authorised=3) | {"attendance_rate": 25.0, "absence_rate": 75.0},
            "ASY-011": _counts(possible=1000, present=1000) | {"attendance_rate": 100.0, "absence_rate": 0.0},
            "ASY-012": {"persistently_absent_enrolments": 2},
        },
        {
            "ASY-001": _lost("build_attendance.school_year"),
            "ASY-009": "update build_attendance.pupil_year set absence_sessions = 2",
        },
    ),
    "marts/attendance/pupil_outlook": Built(
        {
            **KEY,
            "academic_year": 202425,
            "possible_sessions": 200,
            "absence_sessions": 20,
            "expected_remaining_sessions": 180,
            "expected_possible_sessions": 380,
            "sessions_left_before_persistent": 17,
            "has_reached_persistent": False,
            "risk_of_persistent_absence": 0.5,
            "risk_band": "high",
            "risk_model": "1 All",
            "risk_note": None,
            "why": "Missed 20 of 200 sessions so far.",
        },
        {
            "AOU-002": {"possible_sessions": 10, "expected_remaining_sessions": 370},
            "AOU-003": {"expected_remaining_sessions": 181},
            "AOU-004": {"sessions_left_before_persistent": 18},
            "AOU-005": {"has_reached_persistent": True},
            "AOU-006": {"risk_note": "No model."},
            "AOU-007": {"risk_band": "moderate"},
            "AOU-008": {"why": ""},
            "AOU-009": {
                "expected_remaining_sessions": 201,
                "expected_possible_sessions": 401,
                "sessions_left_before_persistent": 20,
            },
        },
        {
            "AOU-001": _lost("build_attendance.pupil_outlook"),
            "AOU-010": "update build_attendance.pupil_outlook set risk_of_persistent_absence = null",
        },
    ),
    "marts/attendance/risk_model": Built(
        {
            "phase": "All",
            "fit_id": 1,
            "pupil_years": 200,
            "predicted_mean": 0.2,
            "observed_share": 0.25,
            "brier": 0.06,
            "brier_base_rate": 0.18,
            "reason": None,
        },
        {
            "ARM-001": {"phase": "Total"},
            "ARM-002": {"pupil_years": 199},
            "ARM-003": {"brier": 0.18},
            "ARM-004": {"observed_share": 0.14},
        },
        {"ARM-005": "insert into build_attendance.risk_model (phase, fit_id) values ('Primary', 2)"},
    ),
    "marts/attendance/risk_model_coefficient": Built(
        {"phase": "All", "input": "intercept", "coefficient": -0.1},
        {"ARC-002": {"coefficient": 1000.0}},
        {"ARC-001": "delete from build_attendance.risk_model_coefficient where input = 'pace'"},
    ),
    "marts/attendance/risk_reliability": Built(
        {
            "test": "held-out pupils",
            "slice": "all",
            "slice_value": "all",
            "bin": 2,
            "predictions": 12,
            "pupils": 6,
            "predicted_mean": 0.15,
            "observed_share": 0.2,
            "brier": 0.1,
            "is_suppressed": False,
        },
        {
            "ARR-001": {"observed_share": 1.1},
            "ARR-002": {"pupils": 5},
            "ARR-003": {"predicted_mean": 0.21},
            "ARR-004": {"predictions": 5},
        },
    ),
    "marts/attendance/pupil_pattern": Built(
        {
            **KEY,
            "academic_year": 202425,
            "possible_sessions": 2,
            "absence_sessions": 1,
            **{f"{day}_{what}_sessions": 0 for day in WEEK for what in ("possible", "absence")},
            "friday_possible_sessions": 2,
            "friday_absence_sessions": 1,
            "am_possible_sessions": 1,
            "am_absence_sessions": 0,
            "pm_possible_sessions": 1,
            "pm_absence_sessions": 1,
            "end_of_half_term_possible_sessions": 2,
            "first_weeks_possible_sessions": 0,
            "recent_possible_sessions": 2,
            "before_possible_sessions": 0,
            "holiday_sessions": 0,
            "weeks": 1,
            "broken_weeks": 1,
            "missed_weeks": 0,
            "siblings": 0,
            "siblings_possible_sessions": None,
            "days_missed_with_sibling": 0,
        },
        {
            "APP-002": {"monday_possible_sessions": 1},
            "APP-003": {"am_absence_sessions": 1},
            "APP-004": {"missed_weeks": 1},
            "APP-005": {"first_weeks_possible_sessions": 3},
            "APP-006": {"siblings": 1},
        },
        {"APP-001": _lost("build_attendance.pupil_pattern")},
    ),
    "marts/attendance/school_pattern": Built(
        {"school_id": 1, "academic_year": 202425, "pattern": "weekday", "value": "Friday", **DAY, **RATES},
        {
            "APS-002": {"covid_sessions": 1},
            "APS-003": {"pattern": "month"},
            "APS-004": {"absence_rate": 101.0},
        },
        {
            "APS-001": _lost("build_attendance.school_pattern"),
            "APS-005": "insert into build_attendance.school_pattern"
            " (school_id, academic_year, pattern, value, possible_sessions, absence_sessions)"
            " values (1, 202425, 'session', 'AM', 1, 1)",
        },
    ),
    "marts/attendance/weekday_year": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "weekday": 5,
            "session": "PM",
            "openings": 3,
            "possible_sessions": 20,
            "attended_sessions": 10,
            "absence_sessions": 10,
            "authorised_sessions": 10,
            "unauthorised_sessions": 0,
            "is_suppressed": False,
        },
        {
            "AWY-002": {"openings": 2},
            "AWY-003": {"suppression_reason": "small"},
            "AWY-004": {"unauthorised_sessions": 3},
        },
        {
            "AWY-001": _lost("build_attendance.weekday_year"),
            "AWY-005": "insert into build_attendance.weekday_year (school_id, academic_year, weekday, session)"
            " values (1, 202425, 5, 'AM')",
        },
    ),
    "marts/attendance/alert_rule": Built(
        {"school_id": 1, "rule_id": "near_persistent", "threshold": 8, "upper_threshold": 10, "severity": "warning"},
        {"AAR-001": {"threshold": 10}, "AAR-002": {"severity": "dreadful"}},
        {"AAR-003": "insert into build_attendance.alert_rule (school_id, rule_id) values (1, 'late'), (2, 'late')"},
    ),
    "marts/attendance/alert": Built(
        {
            **KEY,
            "rule_id": "late",
            "since": FRIDAY,
            "as_of": FRIDAY,
            "severity": "warning",
            "measured": 5,
            "threshold": 5,
            "why": "Late arrivals in the last 4 school weeks: 5.",
        },
        {
            "AAL-001": {"why": "Late arrivals in the last {look_back} school weeks: 5."},
            "AAL-002": {"measured": 4},
            "AAL-003": {"as_of": SATURDAY},
            "AAL-004": {"severity": "dreadful"},
        },
        {
            "AAL-005": "insert into build_attendance.alert (school_id, pupil_key, rule_id)"
            " select 1, k, 'late' from generate_series(1, 20) as k",
        },
    ),
    "marts/attendance/intervention": Built(
        {
            **KEY,
            "intervention_id": 1,
            "kind": "letter",
            "kind_description": "A letter",
            "started_on": FRIDAY,
            "ended_on": FRIDAY,
            "before_possible_sessions": 40,
            "before_absence_sessions": 40,
            "before_note": None,
            "after_note": "0 of the four school weeks after are over.",
        },
        {
            "AIN-001": {"ended_on": SATURDAY},
            "AIN-002": {"after_note": None, "after_absence_sessions": None},
            "AIN-003": {"before_absence_sessions": 41},
            "AIN-004": {"kind_description": "letter"},
        },
    ),
    "marts/provisioning/staff": Built(
        {"school_id": 1, "staff_id": "T1", "email": "j.reed@northmoor.example", "is_current": True},
        {"PST-002": {"is_current": None}, "PST-003": {"email": "reception"}},
        {"PST-001": _lost("build_provisioning.staff")},
    ),
    "marts/benchmarks/pupil": Built(
        {**KEY, "nc_year": "7", "is_on_roll": True},
        {"BMP-003": {"nc_year": None}},
        {"BMP-001": _lost("build_benchmarks.pupil")},
    ),
    "marts/benchmarks/pupil_special": Built(
        {**KEY, "sen_status": "K"},
        {"BPX-002": {"sen_status": "S"}},
        {"BPX-001": _lost("build_benchmarks.pupil_special")},
    ),
}

BUILT |= {
    f"marts/{purpose}/pupil": Built(
        {**KEY, "nc_year": "7", "is_on_roll": True, "sen_status": "K"},
        {f"{prefix}P-002": {"sen_status": "S"}, f"{prefix}P-003": {"nc_year": None}},
        {f"{prefix}P-001": _lost(f"build_{purpose}.pupil")},
    )
    for purpose, prefix in (("self_evaluation", "SE"), ("tracking", "TR"))
}

BUILT |= {
    f"marts/{purpose}/result": Built(
        {"school_id": 1, "result_id": "X1", "aspect": "KS2 reading", "result_value": "104"},
        {f"{prefix}R-002": {"aspect": None}, f"{prefix}R-003": {"result_value": None}},
        {f"{prefix}R-001": _lost(f"build_{purpose}.result")},
    )
    for purpose, prefix in (("self_evaluation", "SE"), ("benchmarks", "BM"), ("tracking", "TR"))
}

#: What stands behind the good rows: the school, the accepted rows they were built from, the second half of the day, and
#: a second pupil without absence, so that half of the pupils are persistently absent and no more.
BASE = f"""
    insert into ops.school (school_id, partner, partner_school_id, name, state) overriding system value
        values (1, 'wonde', 'A1', 'Northmoor', 'approved');
    insert into raw.pupil (school_id, pupil_id, extract_id) values (1, 'A1', 1);
    insert into raw.pupil_demographics (school_id, pupil_id, extract_id) values (1, 'A1', 1);
    insert into raw.attendance_mark (school_id, pupil_id, mark_date, session, extract_id)
        values (1, 'A1', '{FRIDAY}', 'AM', 1), (1, 'A1', '{FRIDAY}', 'PM', 1);
    insert into raw.exclusion (school_id, exclusion_id, pupil_id, extract_id) values (1, 'Q1', 'A1', 1);
    insert into raw.result (school_id, result_id, pupil_id, extract_id) values (1, 'X1', 'A1', 1);
    insert into raw.staff (school_id, staff_id, extract_id) values (1, 'T1', 1);
    insert into raw.teaching_group (school_id, group_id, extract_id) values (1, 'G1', 1);
    insert into build_attendance.session
        (school_id, pupil_key, session_date, session, meaning, is_possible, is_attended, is_absence)
        values (1, 50, '{FRIDAY}', 'PM', 'authorised', true, false, true);
    insert into build_attendance.risk_model_coefficient (phase, input, coefficient)
        select 'All', unnest(array['pace', 'pace_by_elapsed', 'missed_last_4_weeks', 'elapsed', 'persistent_last_year',
            'unknown_last_year']), 0;
"""

_GROUP = {"school_id": 1, "academic_year": 202425, "group_1": "all", "value_1": "all"}
_HEADS = {"enrolments": 2, "persistently_absent_enrolments": 1, "severely_absent_enrolments": 1}
_SHOWN = {"is_suppressed": False}
_SIX = {"group_1": "sex", "value_1": "F", "enrolments": 6, "persistently_absent_enrolments": 3} | _counts(
    possible=20, present=10, authorised=10
)
_AREA = {"area_level": "platform", "area_code": "platform", "academic_year": 202425, "phase": "Total", "schools": 3}


def _added(relation: str, **values: object) -> str:
    """A statement that adds a row; for relations without a school, whose rules look at the whole table."""
    shown = ", ".join("null" if value is None else repr(value) for value in values.values())
    return f"insert into {relation} ({', '.join(values)}) values ({shown})"


def _group_suite(prefix: str, relation: str, key: dict[str, Any]) -> Built:
    return Built(
        {**_GROUP, **key, **_HEADS, **DAY, **_SHOWN},
        {
            f"{prefix}-002": {**_SIX, "severely_absent_enrolments": 2},
            f"{prefix}-003": {"is_suppressed": True},
            f"{prefix}-004": {"unauthorised_sessions": 1},
        },
        {
            f"{prefix}-001": _lost(relation),
            f"{prefix}-005": f"update {relation} set possible_sessions = 3",
        },
    )


def _exact_suite(prefix: str, relation: str, key: dict[str, Any]) -> Built:
    return Built(
        {**_GROUP, **key, **_HEADS, "exact_enrolments": 2, **DAY},
        {f"{prefix}-002": {"present_sessions": 0}, f"{prefix}-003": {"severely_absent_enrolments": 2}},
        {f"{prefix}-001": _lost(relation), f"{prefix}-004": f"update {relation} set absence_sessions = 2"},
    )


_YEAR_KEY = {"group_2": "all", "value_2": "all"}
_WEEK_KEY = {"period_type": "week", "period": "2025-07-14"}
_AREA_GOOD = {**_AREA, **_SHOWN, **_HEADS, **DAY, "attendance_rate": 50.0, "absence_rate": 50.0}
_AREA_GROUP_GOOD = {**_AREA, "group_name": "all", "group_value": "all", **_HEADS, **DAY, **_SHOWN}
_PUBLISHED = {
    "academic_year": 202425,
    "area_level": "England",
    "area_code": "E92000001",
    "phase": "Primary",
    **_SHOWN,
    "possible_sessions": 2,
    "attended_sessions": 1,
    "present_sessions": 1,
    "approved_activity_sessions": 0,
    "absence_sessions": 1,
    "authorised_sessions": 1,
    "unauthorised_sessions": 0,
    "attendance_rate": 50.0,
    "absence_rate": 50.0,
}
_SUSPENDED = {"school_id": 1, "academic_year": 202425, "group_name": "all", "group_value": "all"}

BUILT |= {
    "marts/attendance/group_year": _group_suite("AGY", "build_attendance.group_year", _YEAR_KEY),
    "marts/attendance/group_period": _group_suite("AGP", "build_attendance.group_period", _WEEK_KEY),
    "marts/attendance/group_year_exact": _exact_suite("AGX", "build_attendance.group_year_exact", _YEAR_KEY),
    "marts/attendance/group_period_exact": _exact_suite("AGE", "build_attendance.group_period_exact", _WEEK_KEY),
    "marts/attendance/area_year": Built(
        _AREA_GOOD,
        {},
        {
            "AAY-001": "update build_attendance.area_year set schools = 1",
            "AAY-002": "update build_attendance.area_year set covid_sessions = 1",
            "AAY-003": "update build_attendance.area_year set severely_absent_enrolments = 2",
            "AAY-004": _added(
                "build_attendance.area_year",
                **{**_AREA_GOOD, "phase": "Primary", "schools": 2},
            ),
        },
    ),
    "marts/attendance/area_group_year": Built(
        _AREA_GROUP_GOOD,
        {},
        {
            "AAG-001": "update build_attendance.area_group_year set group_name = 'sex', group_value = 'F'",
            "AAG-002": "update build_attendance.area_group_year set present_sessions = 2",
            "AAG-003": "update build_attendance.area_group_year set enrolments = 9",
        },
    ),
    "marts/attendance/published_rate": Built(
        _PUBLISHED,
        {},
        {
            "APR-001": _lost("build_attendance.published_rate"),
            "APR-002": "update build_attendance.published_rate set absence_sessions = 2",
            "APR-003": "update build_attendance.published_rate set absence_rate = 51",
        },
    ),
    "marts/attendance/school_year_before": Built(
        {"school_id": 1, "academic_year": 202425, "year_before": 202324, "last_week_number": 39, **_HEADS, **DAY},
        {
            "AYB-001": {"approved_activity_sessions": 1},
            "AYB-002": {"year_before": 202425},
            "AYB-003": {"persistently_absent_enrolments": 3},
        },
    ),
    "marts/attendance/school_characteristics": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "census_date": date(2025, 1, 16),
            "roll": 2,
            "fsm6_percent": 20.0,
            "is_suppressed": False,
        },
        {"ACS-001": {"roll": 0}, "ACS-002": {"census_date": FRIDAY}},
        {"ACS-003": "update build_attendance.school_year set enrolments = 20"},
    ),
    "marts/attendance/similar_school": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "rank": 1,
            "neighbour_school_id": 2,
            "distance": 0.5,
            "k": 1,
            "pool_schools": 2,
        },
        {"ASI-001": {"neighbour_school_id": 100}, "ASI-002": {"rank": 2}, "ASI-003": {"distance": -0.5}},
    ),
    "marts/attendance/school_comparison": Built(
        {
            "school_id": 1,
            "academic_year": 202425,
            "measure": "absence_rate",
            "comparison": "platform pool",
            "school_value": 7.5,
            "comparison_value": 7.0,
            "difference": 0.5,
            "comparator_schools": 12,
            "rank": 9,
            "percentile": 73,
            "is_suppressed": False,
        },
        {
            "ACM-002": {"difference": -0.5},
            "ACM-003": {"comparison_value": None, "difference": None},
            "ACM-004": {"rank": 14},
            "ACM-005": {"school_value": 50.0, "difference": 43.0},
            "ACM-006": {"is_suppressed": True},
        },
        {"ACM-001": _lost("build_attendance.school_comparison")},
    ),
    "marts/attendance/suspension_year": Built(
        {
            **_SUSPENDED,
            "headcount": 200,
            "suspensions": 1,
            "suspended_pupils": 1,
            "suspension_rate": 0.5,
            "suspended_pupils_rate": 0.5,
            "permanent_exclusions": 0,
            **_SHOWN,
        },
        {
            "ASU-001": {"group_name": "sex", "group_value": "F"},
            "ASU-002": {"is_suppressed": True},
            "ASU-003": {"suspended_pupils_rate": 1.0},
            "ASU-004": {"suspension_rate": 201.0},
        },
    ),
    "marts/attendance/suspension_year_exact": Built(
        {
            **_SUSPENDED,
            "exact_enrolments": 200,
            "headcount": 200,
            "suspensions": 1,
            "suspended_pupils": 1,
            "repeatedly_suspended_pupils": 0,
            "days_lost": 1.0,
            "permanent_exclusions": 0,
        },
        {"ASX-001": {"suspended_pupils": 2}, "ASX-002": {"days_lost": -1.0}},
        {"ASX-003": "update build_attendance.suspension_year_exact set suspensions = 2"},
    ),
    "marts/attendance/exclusion": Built(
        {
            "school_id": 1,
            "exclusion_id": "Q1",
            "exclusion_type": "suspension",
            "sessions": 2,
            "days": 1.0,
            "is_repeat": False,
            "reconciliation": "agrees",
        },
        {"AEX-001": {"is_repeat": None}, "AEX-002": {"days": 2.0}, "AEX-003": {"reconciliation": "fewer E marks"}},
    ),
    "marts/attendance/school": Built(
        {"school_id": 1, "la_code": "850", "la_name": "Hampshire", "region_code": "E12000008"},
        {"ASC-001": {"la_name": None}, "ASC-002": {"region_code": None}},
    ),
}

_BASIS = {
    "basis_key": 1,
    "challenge": 50,
    "run_id": "r1",
    "qualification": "GCSE",
    "subject": "Drama",
    "level": "subject",
    "sex": "all",
    "prior_measure": "ks2_mean",
    "prior_value": 100,
    "estimate_grade": "4",
    "chance": 0.6,
    "chance_higher": 0.2,
    "chance_lower": 0.4,
    "expected_points": 4.0,
    "grades": ["3", "4", "5"],
    "points": [3, 4, 5],
    "chances": [1.0, 0.6, 0.2],
    "basis_n": 100,
    "method": "own_counts",
    "reference_year": 2024,
    "release": "revised",
}
_SUMMED = {
    "school_id": 1,
    "academic_year": 202425,
    "year_group": "11",
    "challenge": 50,
    "source": "estimate",
    "population": "estimated",
    "pupils": 6,
}
_SUBJECT = {**_SUMMED, "qualification": "GCSE", "subject": "Drama"}
_SUBJECT_SUMMARY = {
    **_SUBJECT,
    "mean_points": 4.0,
    "grade_4_percent": 60.0,
    "grade_5_percent": 20.0,
    "grade_7_percent": 0.0,
    "grade_or_better_percent": [100, 60, 20],
    **_SHOWN,
}
_GROUP_SUMMARY = {
    **_SUMMED,
    "group_name": "sex",
    "group_value": "F",
    "attainment8": 40.0,
    "english_mathematics_4_percent": 60.0,
    "english_mathematics_5_percent": 40.0,
    **_SHOWN,
}

BUILT |= {
    "core/pupil_subject": Built(
        {**KEY, "qualification": "GCSE", "subject": "Drama", "exam_year": 2025}, {"CPJ-001": {"exam_year": None}}
    ),
    "marts/benchmarks/estimate_basis": Built(
        _BASIS,
        {
            "BEB-001": {"chances": [0.9, 0.6, 0.2]},
            "BEB-002": {
                "chances": [1.0, 0.6, 0.3, 0.4],
                "grades": ["3", "4", "5", "6"],
                "points": [3, 4, 5, 6],
                "chance_higher": 0.3,
            },
            "BEB-003": {"estimate_grade": "3", "chance": 1, "chance_higher": 0.6, "chance_lower": 0},
            "BEB-004": {"basis_n": 0},
            "BEB-005": {"chance_higher": 0.3},
        },
        {
            "BEB-006": _added("build_benchmarks.estimate_basis", basis_key=1, challenge=20, expected_points=3.9),
            "BEB-007": "insert into build_benchmarks.estimate_basis select * from build_benchmarks.estimate_basis;"
            " update build_benchmarks.estimate_basis set basis_key = 2, prior_value = 100.5, expected_points = 3.9"
            " where ctid = (select max(ctid) from build_benchmarks.estimate_basis)",
        },
    ),
    "marts/benchmarks/pupil_subject": Built(
        {
            **KEY,
            "academic_year": 202425,
            "qualification": "GCSE",
            "subject": "Drama",
            "year_group": "11",
            "exam_year": 2025,
            "prior_value": 100,
            "basis_key": 1,
        },
        {
            "BPS-002": {"gap": "no prior attainment"},
            "BPS-003": {"prior_value": None},
            "BPS-005": {"exam_year": 2033},
        },
        {
            "BPS-001": _lost("build_benchmarks.pupil_subject"),
            "BPS-004": _lost("build_benchmarks.estimate_basis"),
        },
    ),
    "marts/benchmarks/estimate_gap": Built(
        {**KEY, "qualification": "GCSE", "subject": "Latin", "gap": "no prior attainment"},
        {},
        {"BEG-001": "update build_benchmarks.estimate_gap set gap = 'subject not mapped'"},
    ),
    "marts/benchmarks/unmapped_attainment": Built(
        {"school_id": 1, "aspect": "GCSE Drama", "grade": "none", "mapping": "no value"},
        {"BUA-001": {"mapping": "aspect not mapped"}, "BUA-002": {"mapping": "grade not on the scale"}},
    ),
    "marts/benchmarks/subject_summary": Built(
        _SUBJECT_SUMMARY,
        {
            "BSS-002": {"pupils": 5},
            "BSS-003": {"grade_5_percent": 61.0},
            "BSS-005": {"source": "target", "challenge": 0},
        },
        {
            "BSS-001": _lost("build_benchmarks.subject_summary"),
            "BSS-004": "insert into build_benchmarks.subject_summary select * from build_benchmarks.subject_summary;"
            " update build_benchmarks.subject_summary set population = 'targeted', pupils = 7"
            " where ctid = (select max(ctid) from build_benchmarks.subject_summary);"
            " update build_benchmarks.subject_summary set pupils = 8 where population = 'estimated'",
        },
    ),
    "marts/benchmarks/group_summary": Built(
        _GROUP_SUMMARY,
        {
            "BGS-002": {"pupils": 5},
            "BGS-004": {"attainment8": 91.0},
            "BGS-006": {"population": "targeted", "challenge": 0},
        },
        {
            "BGS-005": _added("build_benchmarks.group_summary", **{**_GROUP_SUMMARY, "pupils": 7})
            + ";update build_benchmarks.group_summary set population = 'targeted' where pupils = 6",
            "BGS-001": _lost("build_benchmarks.group_summary"),
            "BGS-003": _added(
                "build_benchmarks.group_summary",
                **{**_GROUP_SUMMARY, "group_value": "M", "pupils": None, "is_suppressed": True},
            ),
        },
    ),
}

_TARGET = {
    **KEY,
    "academic_year": 202425,
    "qualification": "GCSE",
    "subject": "Drama",
    "version": 2,
    "act": "review",
    "from_status": "proposed",
    "status": "subject_reviewed",
    "from_grade": "5",
    "grade": "5",
    "proposed_by": "t@northmoor.example",
    "set_by": "h@northmoor.example",
}

BUILT |= {
    "core/target_version": Built(
        {**_TARGET, "is_current": True},
        {
            "CTV-002": {"version": 1},
            "CTV-003": {"act": "approve", "status": "approved", "proposed_by": "h@northmoor.example"},
            "CTV-004": {"act": "propose", "from_status": "locked", "status": "proposed"},
            "CTV-005": {"grade": "6"},
            "CTV-006": {"act": "lock", "status": "locked"},
        },
        {
            "CTV-001": _lost("core.target_version")
            + ";insert into targets.target_entry (school_id, pupil_key, academic_year, qualification, subject, version,"
            " act, status, grade, points, source, proposed_by, challenge_levels, set_by, set_at) values"
            " (1, 50, 202425, 'GCSE', 'Drama', 1, 'propose', 'proposed', '5', 5, 'teacher', 't', '{50}', 't',"
            " now() - interval '2 days')"
        },
    ),
    "marts/benchmarks/target": Built(
        {
            **{name: _TARGET[name] for name in ("school_id", "pupil_key", "academic_year", "qualification", "subject")},
            "version": 2,
            "grade": "5",
            "estimate_grade_50": "5",
            "chance_50": 0.5,
            "chance_20": 0.6,
            "chance_5": 0.7,
        },
        {"BTA-002": {"chance_20": 0.4}, "BTA-003": {"chance_50": None}},
        {"BTA-001": _lost("build_benchmarks.target")},
    ),
    "marts/benchmarks/target_history": Built(_TARGET, {}, {"BTH-001": _lost("build_benchmarks.target_history")}),
}

_LINE = {**KEY, "position": 1, "item": "Year group", "value": "7"}

BUILT |= {
    "marts/benchmarks/student_explorer": Built(
        {**_LINE, "section": "pupil"},
        {"BSX-002": {"section": "SEN"}, "BSX-003": {"number": 7}},
        {"BSX-001": _lost("build_benchmarks.student_explorer")},
    ),
    "marts/benchmarks/student_explorer_special": Built(
        {**_LINE, "section": "SEN"},
        {"BSY-002": {"section": "pupil"}},
        {"BSY-001": _lost("build_benchmarks.student_explorer_special")},
    ),
}
