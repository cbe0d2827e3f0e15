"""The JSON API of target setting: ``operations`` says what there is, ``routes`` serves it, ``description`` tells it.

Sessions, rights and protection against other sites' forms are those of the pages. Acting takes the session's form token
in the header ``X-Form-Token``; ``GET /api/v1/session`` gives it.
"""

from reports.api.routes import ROUTES

__all__ = ["ROUTES"]
