"""Loading files against a real warehouse: what comes in, what is held, what is corrected, and what stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from ctf_files import HISTORIES, assessment, document, pupil, put, stages, year_data
from edi_files import document as edi_document
from edi_files import put_edi, result
from file_school import SCHOOL, FileSchool
from tables import UPNS, put_csv, row

from orchestration.files.faults import Rule
from orchestration.files.loading import LoadError
from orchestration.ingest import extracts, sources
from orchestration.ingest.archive import Archive
from orchestration.ingest.categories import CATEGORIES, Category
from orchestration.ingest.landing import landing_tables
from orchestration.ingest.load import Accepted, merge

GOOD = row("mtc", upn=UPNS[0])
BAD = row("mtc", upn=UPNS[1], mark="26")
#: The tests' clock is today's: a file must be of a version that is read then.
CTF = document(
    pupil(stages(assessment()) + HISTORIES + f"<Attendance>{year_data()}</Attendance>"),
    pupil(stages(assessment(result="25")), upn=None, surname="ONEILL", forename="Ben", born="2014-03-01"),
)


def named(surname: str, forename: str, born: str) -> dict[str, str]:
    return {"upn": "", "surname": surname, "forename": forename, "date_of_birth": born}


def rules(report: object) -> list[tuple[int, str, str]]:
    return [(fault.line, fault.column, str(fault.rule)) for fault in report.faults]  # type: ignore[attr-defined]


def test_a_template_becomes_results_that_name_their_file(school: FileSchool) -> None:
    report = school.load(put_csv(school.folder, [GOOD]), "mtc")
    assert (report.state, report.rows_good, report.rows_bad, report.rows_loaded) == ("loaded", 1, 0, 1)
    assert report.raw_rows_written == 3  # the result, its aspect, its result set
    assert school.results() == [("ana", "Multiplication tables check mark", "KS2 2024/25", "21")]
    (result_id,) = school.query("select result_id from raw.result")
    assert result_id == ("file:p-ana:Multiplication tables check mark:KS2 2024/25",)
    assert school.query(
        "select extract.state, extract.mode, extract.category, source.partner, extract.rows_loaded, file.name,"
        " loaded_by from ops.file as file inner join ops.extract as extract using (extract_id)"
        " inner join ops.source as source using (source_id)"
    ) == [("loaded", "incremental", "assessment", "file", 3, "results.csv", "ada")]


def test_the_file_is_archived_as_it_was_received(school: FileSchool) -> None:
    path = put_csv(school.folder, [GOOD])
    school.load(path, "mtc")
    ((archived,),) = school.query("select archive_path from ops.extract where run_id like 'file-%'")
    (page,) = Archive(school.settings.archive).replay(archived)
    assert (page.endpoint, page.body) == ("mtc", path.read_bytes())


def test_a_transfer_file_fills_three_categories_and_finds_pupils_by_number_and_by_name(school: FileSchool) -> None:
    report = school.load(put(school.folder, CTF), "ctf")
    assert (report.state, report.rows_good, report.rows_loaded) == ("loaded", 7, 7), report.faults
    assert [(who, value) for who, _, _, value in school.results()] == [("ana", "22"), ("ben", "25")]
    assert school.query("select pupil_id, kind, period_id, code from raw.pupil_status_period order by 2") == [
        ("ana", "fsm", "file:2022-09-05", None),
        ("ana", "in_care", "file:2025-09-02", None),
        ("ana", "sen", "file:2023-01-09", "K"),
    ]
    assert school.query("select pupil_id, need_id, rank from raw.pupil_sen_need") == [("ana", "file:SLCN", 1)]
    assert school.query("select pupil_id, academic_year, sessions_attended from raw.prior_attendance") == [
        ("ana", 202425, 361)
    ]
    logged = school.query("select category, state from ops.extract where run_id like 'file-%' order by 1")
    assert logged == [(category, "loaded") for category in ("assessment", "attendance", "demographics")]


def test_the_same_file_twice_says_so_and_changes_nothing(school: FileSchool) -> None:
    path = put(school.folder, CTF)
    first = school.load(path, "ctf")
    before = school.everything(), school.query("select count(*) from ops.extract")
    again = school.load(path, "ctf")
    assert (again.state, again.file_id) == ("unchanged", first.file_id)
    assert "The same file was loaded" in again.message
    assert (school.everything(), school.query("select count(*) from ops.extract")) == before


def test_a_file_that_says_the_same_writes_no_row(school: FileSchool) -> None:
    school.load(put_csv(school.folder, [GOOD]), "mtc")
    before = school.everything()
    report = school.load(put_csv(school.folder, [GOOD], "other.csv", ";"), "mtc")
    assert (report.state, report.rows_loaded, report.raw_rows_written) == ("loaded", 1, 0)
    assert school.everything() == before


def test_a_corrected_file_corrects_its_rows_whatever_it_comes_as(school: FileSchool) -> None:
    school.load(put_csv(school.folder, [row("mtc", mark="20", academic_year="2024/25")]), "mtc")
    report = school.load(put(school.folder, document(pupil(stages(assessment())))), "ctf")
    assert (report.state, report.raw_rows_written) == ("loaded", 1)
    assert [value for *_, value in school.results()] == ["22"]


def test_nothing_of_a_half_good_file_is_loaded_unless_the_operator_says_so(school: FileSchool) -> None:
    path = put_csv(school.folder, [GOOD, BAD, row("mtc", upn="Z873214524012")])
    held = school.load(path, "mtc")
    assert (held.state, held.rows_good, held.rows_bad, held.rows_loaded) == ("rejected", 1, 2, 0)
    assert rules(held) == [(3, "mark", Rule.ROW_CODE), (4, "upn", Rule.ROW_NO_PUPIL)]
    assert school.results() == []
    assert school.query("select state from ops.extract where run_id like 'file-%'") == [("held",)]
    part = school.load(path, "mtc", good_rows="load")
    assert (part.state, part.rows_good, part.rows_bad, part.rows_loaded) == ("loaded_in_part", 1, 2, 1)
    assert [who for who, *_ in school.results()] == ["ana"]
    assert school.query(
        "select file_id, line, column_name, rule from ops.file_fault where file_id = %s order by fault_no", part.file_id
    ) == [(part.file_id, 3, "mark", "ROW-CODE"), (part.file_id, 4, "upn", "ROW-NO-PUPIL")]


def test_bad_rows_are_in_quarantine_with_rule_reason_and_all_they_held_until_a_good_version_comes(
    school: FileSchool,
) -> None:
    school.load(put_csv(school.folder, [GOOD, BAD]), "mtc", good_rows="load")
    (entry,) = school.query("select row_key, rules, messages, payload ->> 'mark', state from quarantine.row")
    key, rule, messages, mark, state = entry
    assert key == {"result_id": "file:p-ben:Multiplication tables check mark:KS2 2024/25"}
    assert (rule, mark, state) == (["ROW-CODE"], "26", "open")
    assert messages[0].startswith("line 3, mark: '26' is no such result.")
    school.load(put_csv(school.folder, [BAD | {"mark": "24"}]), "mtc")
    assert school.query("select state from quarantine.row") == [("superseded",)]


def test_a_file_that_replaces_another_takes_back_what_only_that_one_said(school: FileSchool) -> None:
    nobody = row("mtc", upn="Z873214524012")
    wrong = school.load(put_csv(school.folder, [GOOD, row("mtc", upn=UPNS[1]), nobody]), "mtc", good_rows="load")
    with pytest.raises(LoadError, match="There is no file 99 of kind mtc"):
        school.load(put_csv(school.folder, [GOOD]), "mtc", replaces=99)
    right = school.load(put_csv(school.folder, [GOOD, row("mtc", upn=UPNS[2])]), "mtc", replaces=wrong.file_id)
    assert (right.state, right.raw_rows_written, right.raw_rows_removed) == ("loaded", 1, 1)
    assert [who for who, *_ in school.results()] == ["ana", "cleo"]
    assert school.query("select pupil_id from raw.result where removed_at is not null") == [("ben",)]
    assert school.query("select state from quarantine.row") == [("superseded",)]
    assert school.query("select replaces, raw_rows_removed from ops.file order by file_id") == [(None, 0), (1, 1)]
    last = school.load(put_csv(school.folder, [row("mtc", upn=UPNS[2])]), "mtc", replaces=right.file_id)
    assert last.raw_rows_removed == 1  # the row that the first file brought and the second only repeated
    assert [who for who, *_ in school.results()] == ["cleo"]


def test_a_dry_run_says_all_of_it_and_writes_nothing(school: FileSchool) -> None:
    before = school.everything()
    path = put_csv(school.folder, [GOOD, BAD])
    assert school.load(path, "mtc", dry_run=True).state == "would_reject"
    report = school.load(path, "mtc", good_rows="load", dry_run=True)
    assert (report.state, report.rows_loaded, rules(report)) == ("would_load_in_part", 1, [(3, "mark", "ROW-CODE")])
    assert school.load(put_csv(school.folder, [GOOD]), "mtc", dry_run=True).state == "would_load"
    (school.folder / "none.csv").write_text("nothing\n")
    assert school.load(school.folder / "none.csv", "mtc", dry_run=True).state == "would_reject"
    assert school.everything() == before
    assert school.query("select count(*) from ops.file") == [(0,)]
    assert school.query("select count(*) from ops.extract where run_id like 'file-%'") == [(0,)]
    assert not (school.settings.home / "archive").exists()


def test_a_file_that_cannot_be_read_is_logged_with_its_faults(school: FileSchool) -> None:
    report = school.load(put(school.folder, "<CTfile>"), "ctf")
    assert (report.state, rules(report)) == ("rejected", [(1, "file", "FILE-XML")])
    assert school.query("select state, extract_id from ops.file") == [("rejected", None)]
    assert school.query("select rule, is_warning from ops.file_fault") == [("FILE-XML", False)]
    again = school.load(put(school.folder, "<CTfile>"), "ctf")  # a file that was refused may be tried again
    assert (again.state, again.file_id) == ("rejected", 2)


def test_row_rules_judge_files_as_they_judge_partners(school: FileSchool) -> None:
    wrong = year_data(SessionsAttended="362")
    good = stages(assessment())
    path = put(school.folder, document(pupil(f"{good}<Attendance>{wrong}</Attendance>")))
    held = school.load(path, "ctf")
    assert (held.state, held.rows_good, held.rows_bad) == ("rejected", 1, 1)
    assert [(column, rule) for _, column, rule in rules(held)] == [("prior_attendance", "PAT-005")]
    assert school.results() == []
    part = school.load(path, "ctf", good_rows="load")
    assert (part.state, part.rows_loaded) == ("loaded_in_part", 1)
    assert school.query("select count(*) from raw.prior_attendance") == [(0,)]
    assert school.query("select rules, table_name from quarantine.row where state = 'open'") == [
        (["PAT-005"], "prior_attendance")
    ]
    recorded = school.query("select distinct rule_id from ops.gate_result where school_id = 1 and outcome = 'failed'")
    assert ("PAT-005",) in recorded


@pytest.mark.parametrize(
    ("cells", "column", "rule"),
    [
        ({"upn": "Z873214524012"}, "upn", Rule.ROW_NO_PUPIL),
        (named("Nobody", "Ana", "2013-11-05"), "surname", Rule.ROW_NO_PUPIL),
        (named("Low", "Mai", "2013-06-06"), "surname", Rule.ROW_TWO_PUPILS),
        ({"upn": UPNS[0], "date_of_birth": "2014-11-05"}, "date_of_birth", Rule.ROW_BIRTH),
        ({"upn": UPNS[0], "uln": "9999999999"}, None, None),  # the MIS does not know Ana's
        ({"upn": "Z330123419007", "uln": "9999999999"}, "uln", Rule.ROW_TWO_PUPILS),
        (
            named("Beck", "Ana", "2013-11-05") | {"upn": "Z873214524012"},
            "upn",
            Rule.ROW_TWO_PUPILS,
        ),
        ({"upn": UPNS[2]}, None, None),  # Cleo's former number
        ({"upn": "", "uln": "1234567890"}, None, None),
        (named("oneill", "BEN", "01/03/2014"), None, None),
        ({"upn": UPNS[0], "surname": "Beck-Lund"}, None, None),  # a name may have changed; the number has not
        (named("Wren", "Gus", "2012-05-05"), None, None),  # a leaver
    ],
)  # fmt: skip
def test_who_is_meant(school: FileSchool, cells: dict[str, str], column: str | None, rule: Rule | None) -> None:
    report = school.load(put_csv(school.folder, [row("mtc", **cells)]), "mtc")
    assert rules(report) == ([] if rule is None else [(2, column, rule)])
    assert all(fault.what_to_do for fault in report.faults)


def test_two_rows_that_say_the_same_are_both_bad(school: FileSchool) -> None:
    by_name = row("mtc", upn="", surname="Beck", forename="Ana", date_of_birth="2013-11-05", mark="22")
    report = school.load(put_csv(school.folder, [GOOD, by_name, row("mtc", upn=UPNS[1])]), "mtc", good_rows="load")
    assert rules(report) == [(2, "row", Rule.ROW_TWICE), (3, "row", Rule.ROW_TWICE)]
    assert [who for who, *_ in school.results()] == ["ben"]


def test_results_day_candidates_are_found_by_numbers_that_a_file_has_told(school: FileSchool) -> None:
    told = row("ks4-results", upn=UPNS[0], uci="234567000001A", candidate_number="17", subject="History")
    school.load(put_csv(school.folder, [told]), "ks4-results")
    nameless = {"surname": "", "forename": "", "date_of_birth": ""}
    path = put_edi(
        school.folder,
        edi_document(
            result(uci="234567000001A", candidate_number="0017", **nameless),
            result(uci="", candidate_number="0017", entry_code="8700", **nameless),
            result(uci="", candidate_number="9999", surname="O'NEILL", forename="BEN", date_of_birth="20140301"),
        ),
    )
    assert rules(school.load(path, "edi")) == [(1, "centre", Rule.FILE_SCHOOL)]
    report = school.load(path, "edi", centre="23456")
    assert rules(report) == []
    assert [(who, aspect) for who, aspect, *_ in school.results()] == [
        ("ana", "GCSE English Language"),
        ("ana", "GCSE History"),
        ("ana", "GCSE Mathematics"),
        ("ben", "GCSE Mathematics"),
    ]
    numbers = school.query("select kind, number, exam_year, person_id from ops.exam_number order by 1, 2")
    assert numbers == [
        ("candidate_number", "0017", 202425, "p-ana"),
        ("candidate_number", "9999", 202425, "p-ben"),
        ("uci", "234567000001A", 0, "p-ana"),
    ]
    other = put_edi(school.folder, edi_document(result(candidate_number="0017", surname="WREN", date_of_birth="")))
    assert [rule for *_, rule in rules(school.load(other, "edi"))] == [Rule.ROW_TWO_PUPILS]  # the centre is known now


def test_a_partners_whole_reading_does_not_take_what_came_in_a_file_for_gone(school: FileSchool) -> None:
    school.load(put(school.folder, CTF), "ctf")
    before = school.query("select to_jsonb(t) from raw.result as t order by 1")
    with school.warehouse.connect(autocommit=True) as conn:
        source_id = sources.provide(conn, SCHOOL, "wonde", "A1", None)
        for category in (Category.ASSESSMENT, Category.DEMOGRAPHICS):
            extract = extracts.start(
                conn,
                run_id="partner",
                school_id=SCHOOL,
                source_id=source_id,
                category=category,
                mode="full",
                watermark_from=None,
            )
            spec = CATEGORIES[category]
            with landing_tables(conn, conn, spec) as work, conn.transaction():
                for table in spec.tables:
                    whole = Accepted(SCHOOL, extract.extract_id, extract.started_at, frozenset({table.name}))
                    merge(conn, table, work, [whole])
    assert school.query("select to_jsonb(t) from raw.result as t order by 1") == before
    assert school.query("select count(*) from raw.pupil_sen_need where removed_at is null") == [(1,)]


def test_a_file_waits_for_an_extract_of_the_same_category(school: FileSchool, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.ingest import locks

    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    with school.warehouse.connect(autocommit=True) as conn:
        assert locks.take_schools(conn, Category.ASSESSMENT, [SCHOOL]) == {SCHOOL}
        with pytest.raises(LoadError, match="Another run is extracting assessment"):
            school.load(put_csv(school.folder, [GOOD]), "mtc")
    assert school.load(put_csv(school.folder, [GOOD]), "mtc").state == "loaded"


def test_a_school_that_is_unknown_or_has_withdrawn_gets_nothing(school: FileSchool, tmp_path: Path) -> None:
    path = put_csv(school.folder, [GOOD])
    with pytest.raises(LoadError, match="There is no school 9"):
        school.load(path, "mtc", school_id=9)
    with school.warehouse.connect() as conn:
        conn.execute("update ops.school set state = 'revoked'")
    with pytest.raises(LoadError, match="has revoked its consent"):
        school.load(path, "mtc")


def test_what_came_in_files_goes_with_a_school_that_has_taken_its_consent_back(school: FileSchool) -> None:
    from orchestration.privacy.deletion import delete_school

    school.load(put(school.folder, CTF), "ctf")
    told = row("ks4-results", upn=UPNS[0], uci="234567000001A")
    nobody = row("ks4-results", upn="Z873214524012")
    school.load(put_csv(school.folder, [told, nobody]), "ks4-results", good_rows="load")
    archive = Archive(school.settings.archive)
    paths = [path for (path,) in school.query("select distinct archive_path from ops.extract where archive_path <> ''")]
    assert all(archive.segments(path) for path in paths)
    with school.warehouse.connect(autocommit=True) as conn:
        conn.execute(
            "insert into ops.connection (school_id, application, partner, partner_school_id, state, delete_after)"
            " values (%s, 'mis', 'wonde', 'A1', 'revoked', now() - interval '1 day')",
            (SCHOOL,),
        )
        delete_school(conn, archive, SCHOOL)
    assert school.everything() == []
    assert school.query("select count(*) from ops.file_fault") == [(0,)]
    assert not any(archive.segments(path) for path in paths)
    assert school.query("select kind, state from ops.file order by 1") == [  # that there was a file stays
        ("ctf", "loaded"),
        ("ks4-results", "loaded_in_part"),
    ]
