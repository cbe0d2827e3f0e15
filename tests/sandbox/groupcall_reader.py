"""Reading a sandbox's Groupcall side as a client would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox import Sandbox

Row = dict[str, Any]


@dataclass
class Groupcall:
    """Tokens are asked for once an estab; ``school`` arguments are Wonde's ids, as everywhere in control calls."""

    sandbox: Sandbox
    tokens: dict[str, str] = field(default_factory=dict)

    def estab(self, school: str) -> str:
        """The estab of a school of any state."""
        row = self.sandbox.get(f"schools/{school}")["data"]
        return f"{row['la_code']}{row['establishment_number']}"

    def ask_for_token(self, estab: str, path: str = "api/oauth/GetToken", **changes: str) -> Row:
        """The answer of a token endpoint to a sound request, or one with changed fields."""
        body = {
            "estab": estab,
            "relyingParty": self.sandbox.groupcall_relying_party,
            "password": self.sandbox.groupcall_secrets().get(estab, ""),
            "thirdpartyid": "XporterOnDemand",
        }
        answer = httpx.post(self.sandbox.groupcall_url.removesuffix("api/v1/") + path, json=body | changes, timeout=30)
        assert answer.status_code == 200
        found: Row = answer.json()
        return found

    def get(self, path: str, token: str | None, **query: Any) -> httpx.Response:
        """Whatever the answer is."""
        headers = {"Authorization": f"Idaas {token}"} if token is not None else {}
        return httpx.get(self.sandbox.groupcall_url + path, headers=headers, params=query or None, timeout=30)

    def read(self, school: str, endpoint: str, options: str = "", **query: Any) -> Row:
        """The decoded answer of a data endpoint."""
        estab = self.estab(school)
        if estab not in self.tokens:
            self.tokens[estab] = self.ask_for_token(estab)["token"]
        if options:
            query["options"] = options
        answer = self.get(f"School/{estab}/{endpoint}", self.tokens[estab], **query)
        found: Row = answer.raise_for_status().json()
        return found

    def pages(self, school: str, endpoint: str, size: int, options: str = "", **query: Any) -> list[Row]:
        """Every page's answer, up to the last by count."""
        found = [self.read(school, endpoint, options, pageSize=size, page=1, **query)]
        for page in range(2, found[0]["__pagination__"][0]["PageCount"] + 1):
            found.append(self.read(school, endpoint, options, pageSize=size, page=page, **query))
        return found
