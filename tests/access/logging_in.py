"""What the fixture ``log_in`` is: a session with a person's own credentials."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import psycopg

from orchestration.access.logins import Credentials

LogIn = Callable[[Credentials], AbstractContextManager[psycopg.Connection]]
