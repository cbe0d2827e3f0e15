"""As whom the embedded server runs, because Postgres refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.warehouse import userns

_SERVICE_USERS = ("postgres", "nobody")

#: The server outlives the command that starts it and needs nothing of its environment, where tokens may stand.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """The user that runs the server's programs and owns its files.

    ``prefix`` stands before every command; ``switch`` says that the command is started as ``uid`` and ``gid``, which is
    then another user than ours and must be able to reach the data directory and the programs.
    """

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()
    switch: bool = False

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command as this account; ``options`` are those of ``subprocess.Popen``."""
        if self.switch:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.Popen([*self.prefix, *command], stdin=subprocess.DEVNULL, env=_ENVIRONMENT, **options)

    def give(self, path: Path) -> None:
        """Make this account the owner of a file or of a whole folder, where it is not already."""
        if path.stat().st_uid == self.uid:
            return
        for item in (path, *path.rglob("*")):
            os.chown(item, self.uid, self.gid, follow_symlinks=False)


def choose_account() -> Account:
    """Return ourselves if we are an ordinary user; as root a user namespace, or else a service user without rights."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    namespace = (sys.executable, "-I", "-S", userns.__file__)
    if namespaces_allowed(namespace):
        return Account(0, os.getegid(), prefix=namespace)
    # Docker's default seccomp profile refuses unshare to a container without CAP_SYS_ADMIN.
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    service = next(users[name] for name in _SERVICE_USERS if name in users)
    return Account(service.pw_uid, service.pw_gid, switch=True)


def namespaces_allowed(prefix: Sequence[str]) -> bool:
    """Tell whether a trivial command runs behind ``prefix``."""
    tried = subprocess.run([*prefix, sys.executable, "-I", "-S", "-c", ""], capture_output=True, check=False)
    return tried.returncode == 0
