"""Tokens and what is kept of them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from reports.signing import Signer
from reports.vault import Vault

SIGNER = Signer(b"x" * 32)
LATER = 2_000_000_000.0
NOW = LATER - 10


def test_a_token_is_read_as_it_was_written() -> None:
    token = SIGNER.sign("link", {"id": "a" * 20, "person": 7, "until": LATER})
    assert SIGNER.read("link", token, NOW) == {"id": "a" * 20, "person": 7, "until": LATER}


def test_a_token_of_another_use_secret_or_time_is_none() -> None:
    token = SIGNER.sign("link", {"id": "a" * 20, "person": 7, "until": LATER})
    assert SIGNER.read("session", token, NOW) is None
    assert Signer(b"y" * 32).read("link", token, NOW) is None
    assert SIGNER.read("link", token, LATER) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", "é.é", "eyJ9.", "." * 50, "a" * 5000])
def test_what_is_no_token_is_none(token: str) -> None:
    assert SIGNER.read("link", token, NOW) is None


def test_a_changed_letter_is_noticed() -> None:
    token = SIGNER.sign("link", {"id": "a" * 20, "person": 7, "until": LATER})
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert SIGNER.read("link", changed, NOW) is None


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "reports")
    assert len(vault.secret()) == 32
    assert Vault(tmp_path / "reports").secret() == vault.secret()
    assert stat.S_IMODE((tmp_path / "reports" / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "reports").stat().st_mode) == 0o700


def test_a_cut_secret_is_refused(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "reports")
    (tmp_path / "reports" / "secret").write_bytes(b"short")
    with pytest.raises(OSError, match="Remove it"):
        vault.secret()


def test_a_token_is_spent_once_and_after_a_restart(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "reports")
    assert vault.spend("b" * 20, LATER)
    assert not vault.spend("b" * 20, LATER)
    assert Vault(tmp_path / "reports").is_spent("b" * 20)
    vault.forget_ended(NOW)
    assert vault.is_spent("b" * 20)
    vault.forget_ended(LATER + 1)
    assert not vault.is_spent("b" * 20)


def test_the_id_of_a_token_is_no_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the id"):
        Vault(tmp_path / "reports").is_spent("../../../../etc/passwd")
