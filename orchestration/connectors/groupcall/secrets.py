"""The schools that let us read them through Groupcall, each with its secret: the list that only we have, since the
partner has no call that lists schools (source_apis.md 2.1).
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

_LOG = logging.getLogger(__name__)

#: Local authority and establishment, as XoD names a school.
_ESTAB = re.compile(r"[0-9]{7}")
_SCOPE_SEPARATORS = re.compile(r"[\s,;|]+")
_SUFFIX: Final = ".json"


class SecretError(Exception):
    """A stored secret that cannot be used, or a form that brings none; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class SchoolSecret:
    """A school's permission to be read: what is exchanged for a token. The secret is in no repr.

    ``estab`` is local authority and establishment, seven digits; ``scopes`` those the school authorised, as the partner
    told them at the time; ``received_at`` aware.
    """

    estab: str
    name: str
    secret: str = field(repr=False)
    scopes: tuple[str, ...]
    received_at: datetime

    def __post_init__(self) -> None:
        if not _ESTAB.fullmatch(self.estab):
            raise SecretError(f"{self.estab[:20]!r} is no establishment: seven digits are needed, LA code first.")
        if not self.secret or not self.secret.isprintable():
            raise SecretError(f"The secret of {self.estab} is empty or was damaged on its way; ask for it again.")
        if self.received_at.tzinfo is None:
            raise SecretError(f"The time at which the secret of {self.estab} was received has no zone.")


def parse_approval(form: Mapping[str, str], received_at: datetime) -> SchoolSecret:
    """The secret in the form that Groupcall posts when a school has approved us (source_apis.md 2.1, D).

    How several scopes are written in one field is not documented (I): commas, blanks, semicolons and bars are taken.
    Raises ``SecretError`` that quotes no secret.
    """
    missing = [name for name in ("schoolId", "schoolSecret") if not form.get(name, "").strip()]
    if missing:
        raise SecretError(
            f"The approval lacks {' and '.join(missing)}; nothing was stored. Ask the partner to resend it."
        )
    estab = form["schoolId"].strip()
    return SchoolSecret(
        estab=estab,
        name=form.get("schoolName", "").strip() or estab,
        secret=form["schoolSecret"].strip(),
        scopes=tuple(scope for scope in _SCOPE_SEPARATORS.split(form.get("scopes", "")) if scope),
        received_at=received_at,
    )


class SecretStore:
    """One JSON file a school in ``folder``, readable by its owner alone; written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"SecretStore({str(self._folder)!r})"

    def all(self) -> list[SchoolSecret]:
        """Every school whose file can be read, by estab; each that cannot is logged and hides no other."""
        secrets, damaged = self.read()
        for error in damaged:
            _LOG.error("%s", error)
        return secrets

    def read(self) -> tuple[list[SchoolSecret], list[SecretError]]:
        """Every school by estab, and an error for each file that is damaged."""
        secrets, damaged = [], []
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                secrets.append(_load(path))
            except SecretError as error:
                damaged.append(error)
        return secrets, damaged

    def put(self, secret: SchoolSecret) -> None:
        """Store a school's secret in place of any earlier one. Raises ``OSError`` when it cannot be written."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        content = json.dumps(
            {
                "estab": secret.estab,
                "name": secret.name,
                "secret": secret.secret,
                "scopes": list(secret.scopes),
                "received_at": secret.received_at.astimezone(UTC).isoformat(),
            },
            indent=1,
            ensure_ascii=False,
        )
        # mkstemp makes it 0600 from its first byte on; the name does not end in .json until it is whole.
        handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=f".{secret.estab}-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path(secret.estab))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def remove(self, estab: str) -> bool:
        """Forget a school's secret; whether there was one."""
        path = self._path(estab)
        there = path.exists()
        path.unlink(missing_ok=True)
        return there

    def _path(self, estab: str) -> Path:
        if not _ESTAB.fullmatch(estab):
            raise SecretError(f"{estab[:20]!r} is no establishment: seven digits are needed, LA code first.")
        return self._folder / f"{estab}{_SUFFIX}"


def _load(path: Path) -> SchoolSecret:
    remedy = f"Put the secret of {path.stem} again from the school's approval, or delete the file if it is not wanted."
    try:
        secret = msgspec.json.decode(path.read_bytes(), type=SchoolSecret)
    except OSError as error:
        raise SecretError(f"{path}: cannot be read ({error.strerror}). {remedy}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, SecretError):
        # Not chained, not quoted: what is wrong may be the secret itself.
        raise SecretError(f"{path}: is damaged. {remedy}") from None
    if secret.estab != path.stem:
        raise SecretError(f"{path}: holds the secret of {secret.estab}. Rename the file, or delete it.")
    return secret
