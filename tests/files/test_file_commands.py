"""``mis template`` and ``mis load`` as an operator types them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from file_school import FileSchool
from tables import UPNS, put_csv, row
from typer.testing import CliRunner, Result

from orchestration.cli import app
from orchestration.files.templates import TEMPLATES
from orchestration.settings import get_settings

Mis = Callable[..., Result]


@pytest.fixture
def mis(school: FileSchool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mis]:
    monkeypatch.setenv("DATABASE_URL", school.warehouse.url)
    monkeypatch.setenv("MIS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()

    def call(*arguments: str, status: int = 0) -> Result:
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == status, result.output
        return result

    yield call
    get_settings.cache_clear()


def test_every_template_is_named_and_written(mis: Mis, tmp_path: Path) -> None:
    listed = mis("template", "--list").stdout
    assert all(name in listed for name in (*TEMPLATES, "targets"))
    assert "Wrote mtc.csv" in mis("template", "mtc").stdout
    with (tmp_path / "mtc.csv").open(encoding="utf-8-sig", newline="") as file:
        heading, example = csv.reader(file)
    assert tuple(heading) == TEMPLATES["mtc"].headings
    assert "EXAMPLE" in example
    mis("template", "ks5-results", "--format", "xlsx")
    assert openpyxl.load_workbook(tmp_path / "ks5-results.xlsx").sheetnames == ["KS5 results", "Notes", "Lists"]


def test_a_template_for_a_school_has_its_pupils_and_comes_back_without_them_where_nothing_was_filled_in(
    mis: Mis, tmp_path: Path
) -> None:
    assert "with 6 pupils" in mis("template", "ks2-results", "--school", "Elm School", "-o", "year6.csv").stdout
    with (tmp_path / "year6.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["surname"] for line in lines] == ["Beck", "Low", "Low", "O'Néill", "Rao", "Stern"]  # no leaver
    lines[0] |= {"academic_year": "2024/25", "reading_score": "110"}
    with (tmp_path / "year6.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    report = json.loads(mis("load", "ks2-results", "year6.csv", "--school", "1", "--json").stdout)
    assert (report["state"], report["rows_loaded"], report["rows_left_out"]) == ("loaded", 1, 5)
    refused = mis("template", "phonics", "--school", "1", status=1)
    assert "nobody on roll for phonics" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("template", "ks6-results"), "there is no template 'ks6-results'"),
        (("template", "targets"), "say --school and --by"),
        (("template", "mtc", "--format", "xlsx", "-o", "mtc.csv"), "mtc.csv is no .xlsx"),
        (("load", "mtx", "in.csv", "--school", "1"), "'mtx' is none of ctf, edi"),
        (("load", "mtc", "in.csv"), "say for which school"),
        (("load", "targets", "in.csv"), "targets need --by"),
        (("load", "edi", "in.csv", "--school", "1", "--centre", "12"), "it has five digits"),
    ],
)
def test_what_cannot_be_is_said(mis: Mis, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    (tmp_path / "in.csv").write_text("x\n")
    assert told in " ".join(mis(*arguments, status=2).stderr.replace("│", " ").split())


def test_loading_tells_people_where_what_is_wrong(mis: Mis, school: FileSchool) -> None:
    path = put_csv(school.folder, [row("mtc"), row("mtc", upn=UPNS[1], mark="26")])
    load = ("load", "mtc", str(path), "--school", "Elm School", "--by", "ada")
    tried = mis(*load, "--dry-run", status=1).stdout
    assert "this was a dry run. It would reject." in tried
    held = mis(*load, status=1).stdout
    assert "line 3, mark: '26' is no such result. Use one of 0 to 25, A, B, J, L, M, Q, U. [ROW-CODE]" in held
    assert "1 good rows, 1 bad, 0 left out; 0 loaded" in held
    assert "--good-rows load" in held
    assert "1 loaded" in mis(*load, "--good-rows", "load", status=1).stdout
    good = put_csv(school.folder, [row("mtc")], "good.csv")
    again = ("load", "mtc", str(good), "--school", "1")
    assert "It is file 3." in mis(*again).stdout
    assert "nothing was changed" in mis(*again).stdout
    assert school.query("select loaded_by from ops.file order by file_id")[:2] == [("ada",), ("ada",)]
    nowhere = mis("load", "mtc", str(good), "--school", "Oak School", status=1)
    assert "Oak School" in nowhere.stderr
