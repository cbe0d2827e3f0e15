"""What sign-in keeps on disk: the secret, and the tokens that may not be used again."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

_SECRET_BYTES = 32
_TOKEN_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")


class Vault:
    """A folder below MIS_HOME that only its owner can read.

    A used sign-in link and an ended session are files named by their id: made in one step that only one of two
    processes can win, and there after a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spent = folder / "spent"
        self._spent.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)

    def secret(self) -> bytes:
        """Return the installation's secret; the first call makes it. Removing the file signs everybody out."""
        path = self._folder / "secret"
        with suppress(FileExistsError):
            _create(path, secrets.token_bytes(_SECRET_BYTES))
        secret = path.read_bytes()
        if len(secret) != _SECRET_BYTES:
            raise OSError(f"{path} is not a secret of {_SECRET_BYTES} bytes. Remove it; everybody then signs in again.")
        return secret

    def spend(self, token_id: str, until: float) -> bool:
        """Say that a token may not be used any more; False when that had been said before."""
        try:
            _create(self._path(token_id), f"{until:.0f}".encode())
        except FileExistsError:
            return False
        return True

    def is_spent(self, token_id: str) -> bool:
        """Tell whether :meth:`spend` was called with this id."""
        return self._path(token_id).exists()

    def forget_ended(self, now: float) -> None:
        """Remove the files of tokens that have ended by themselves since."""
        for path in self._spent.iterdir():
            written = path.read_text() or "inf"  # empty: another process is just writing it
            if float(written) < now:
                path.unlink(missing_ok=True)

    def _path(self, token_id: str) -> Path:
        if not _TOKEN_ID.fullmatch(token_id):
            raise ValueError("not the id of a token")
        return self._spent / token_id


def _create(path: Path, content: bytes) -> None:
    """Make a file that its owner alone can read. Raises FileExistsError when it is there."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
