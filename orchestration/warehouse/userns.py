"""Run a command in a user namespace in which the caller is an ordinary user: ``python userns.py COMMAND ARGUMENT...``.

Postgres refuses to run as root. Inside the namespace root is known as user 65534, while on disk every file stays
root's: no user is created, no ownership changes, and folders above the data directory may stay closed to others.

A program of its own, started with ``-I -S``, and not a function called between fork and exec: the processes that start
the server (Dagster's among them) have threads, in which running Python after a fork may hang.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000  # linux/sched.h; os.unshare exists from Python 3.12 only
_INSIDE_ID = 65534


def _enter() -> None:
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"the kernel refuses a user namespace: {os.strerror(code)}")
    # The kernel takes a gid map from an unprivileged process only after setgroups has been given up.
    maps = {"setgroups": "deny", "uid_map": f"{_INSIDE_ID} {uid} 1", "gid_map": f"{_INSIDE_ID} {gid} 1"}
    for name, text in maps.items():
        Path("/proc/self", name).write_text(text)


if __name__ == "__main__":
    _enter()
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606 -- the whole purpose; the caller names the program
