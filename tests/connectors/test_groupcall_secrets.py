"""The list of schools that only we have: kept whole, kept to ourselves, and no file hides another."""

from __future__ import annotations

import logging
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.connectors.groupcall.secrets import SchoolSecret, SecretError, SecretStore, parse_approval

SECRET = "s3cr3t-never-shown"
RECEIVED = datetime(2025, 9, 14, 10, 30, tzinfo=UTC)


def school(estab: str = "8234999", **fields: Any) -> SchoolSecret:
    return SchoolSecret(
        **{
            "estab": estab,
            "name": "Ysgol Northmoor â",
            "secret": SECRET,
            "scopes": ("School", "Student"),
            "received_at": RECEIVED,
            **fields,
        }
    )


def test_what_was_put_is_there_again_in_order(tmp_path: Path) -> None:
    store = SecretStore(tmp_path / "groupcall")
    assert store.all() == []
    store.put(school("8234999"))
    store.put(school("3024001", name="Mill Primary"))
    assert SecretStore(tmp_path / "groupcall").all() == [school("3024001", name="Mill Primary"), school("8234999")]


def test_a_new_secret_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    store.put(school())
    store.put(school(secret="another", scopes=("School",)))
    assert store.all() == [school(secret="another", scopes=("School",))]
    assert [path.name for path in tmp_path.iterdir()] == ["8234999.json"]


def test_what_is_removed_is_gone(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    store.put(school())
    assert store.remove("8234999") is True
    assert store.remove("8234999") is False
    assert store.all() == []


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "groupcall"
    folder.mkdir(mode=0o755)
    SecretStore(folder).put(school())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "8234999.json").stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_secret_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SecretStore(tmp_path)
    store.put(school())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(school(secret="another"))
    assert store.all() == [school()]
    assert [path.name for path in tmp_path.iterdir()] == ["8234999.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"estab":"8234999","name":"x","secret":"s3cr3t-never-shown","scopes":[]}',
        b'{"estab":"8234999","name":"x","secret":"","scopes":[],"received_at":"2025-09-14T10:30:00Z"}',
        b'{"estab":"8234999","name":"x","secret":"s3cr3t-never-shown","scopes":[],"received_at":"2025-09-14T10:30:00"}',
        b'{"estab":"../../x","name":"x","secret":"s3cr3t-never-shown","scopes":[],"received_at":"2025-09-14T10:30:00Z"}',
        b'{"estab":"8234999","name":"\xff","secret":"s3cr3t-never-shown","scopes":[],"received_at":"2025-09-14T10:30:00Z"}',
    ],
)
def test_a_damaged_file_is_named_and_hides_no_other_school(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = SecretStore(tmp_path)
    store.put(school("3024001"))
    (tmp_path / "8234999.json").write_bytes(content)
    secrets, (error,) = store.read()
    assert secrets == [school("3024001")]
    assert "8234999.json: is damaged" in str(error)
    assert "Put the secret of 8234999 again" in str(error)
    caplog.set_level(logging.ERROR)
    assert store.all() == secrets
    assert "8234999.json: is damaged" in caplog.text
    assert SECRET not in caplog.text


def test_a_file_under_another_schools_name_is_not_taken_for_it(tmp_path: Path) -> None:
    store = SecretStore(tmp_path)
    store.put(school("3024001"))
    (tmp_path / "3024001.json").rename(tmp_path / "8234999.json")
    secrets, (error,) = store.read()
    assert secrets == []
    assert "holds the secret of 3024001" in str(error)


def test_a_secret_shows_in_no_repr(tmp_path: Path) -> None:
    assert SECRET not in repr(school())
    assert SECRET not in repr(SecretStore(tmp_path))


@pytest.mark.parametrize(
    "estab", ["823499", "82349990", "../../8", "823499a", "", "\N{ARABIC-INDIC DIGIT EIGHT}234999"]
)
def test_an_estab_that_is_none_is_refused_before_it_names_a_file(tmp_path: Path, estab: str) -> None:
    with pytest.raises(SecretError, match="seven digits"):
        school(estab)
    with pytest.raises(SecretError, match="seven digits"):
        SecretStore(tmp_path).remove(estab)


# --- the approval form -----------------------------------------------------------------------------------------------

FORM = {
    "schoolSecret": SECRET,
    "schoolId": "8234999",
    "schoolEmail": "office@example.org",
    "schoolName": "Northmoor High",
    "templateScopes": "School",
    "scopes": "School,Student, UPN",
    "thirdParty": "XporterOnDemand",
    "partnerId": "17",
}


def test_an_approval_brings_a_school_with_its_secret() -> None:
    assert parse_approval(FORM, RECEIVED) == SchoolSecret(
        "8234999", "Northmoor High", SECRET, ("School", "Student", "UPN"), RECEIVED
    )
    assert parse_approval({"schoolId": " 8234999 ", "schoolSecret": SECRET}, RECEIVED) == SchoolSecret(
        "8234999", "8234999", SECRET, (), RECEIVED
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"schoolSecret": ""}, "lacks schoolSecret"),
        ({"schoolId": " "}, "lacks schoolId"),
        ({"schoolId": "", "schoolSecret": ""}, "lacks schoolId and schoolSecret"),
        ({"schoolId": "Northmoor"}, "'Northmoor' is no establishment"),
        ({"schoolSecret": f"{SECRET}\n{SECRET}"}, "was damaged on its way"),
    ],
)
def test_an_approval_that_brings_none_says_why_without_the_secret(fields: dict[str, str], said: str) -> None:
    with pytest.raises(SecretError, match=said) as caught:
        parse_approval({**FORM, **fields}, RECEIVED)
    assert SECRET not in str(caught.value)
