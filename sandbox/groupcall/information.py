"""Endpoints about the token, the application and the service (source_apis.md 2.3)."""

from __future__ import annotations

from datetime import date

from sandbox.groupcall.endpoints import ENDPOINTS, Endpoint
from sandbox.groupcall.scopes import SCOPES
from sandbox.groupcall.tokens import Claims, expiry
from sandbox.groupcall.wire import NO_EXCEPTION, Row


class Usage:
    """Counts of the calls for data since the sandbox started, by estab and simulated day."""

    def __init__(self) -> None:
        self._days: dict[str, dict[date, int]] = {}

    def count(self, estab: str, day: date) -> None:
        """Note one call."""
        days = self._days.setdefault(estab, {})
        days[day] = days.get(day, 0) + 1

    def answer(self, estab: str, relying_party: str, today: date) -> Row:
        """``Usage`` of one estab."""
        days = self._days.get(estab, {})
        months: dict[str, int] = {}
        for day, calls in days.items():
            months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + calls
        area = {
            "Area": "request",
            "Total": sum(days.values()),
            "Today": days.get(today, 0),
            "ThisMonth": months.get(f"{today:%Y-%m}", 0),
            "History": [{"month": month, "count": calls} for month, calls in sorted(months.items())],
        }
        return {"Usage": [{"Estab": estab, "RP": relying_party, "Areas": [area]}]}


def token_details(claims: Claims, relying_party: str, denied: frozenset[str]) -> Row:
    """``TokenDetails``: what the school grants."""
    return {
        "Estab": claims.estab,
        "Expires": expiry(claims),
        "Name": "Open MIS platform",
        "RelyingParty": relying_party,
        "Scopes": [scope for scope in SCOPES if scope not in denied],
    } | NO_EXCEPTION


def all_scopes() -> Row:
    """``Scopes``: every scope there is."""
    return {
        "Scopes": [
            {"Name": name, "Category": category, "Description": description}
            for name, (category, description) in SCOPES.items()
        ]
    } | NO_EXCEPTION


def catalogue() -> Row:
    """``Queries``: the endpoints with their options and parameters."""
    return {"Queries": [_entry(number, endpoint) for number, endpoint in enumerate(ENDPOINTS.values(), 1)]}


def _entry(number: int, endpoint: Endpoint) -> Row:
    return {
        "Version": 1,
        "Id": f"school.{endpoint.name.lower()}",
        "Method": "GET",
        "Scope": ",".join(scope for requirement in endpoint.needs for scope in requirement),
        "Path": f"School/{{estab}}/{endpoint.name}/{{id?}}",
        "Description": endpoint.name,
        "Documentation": None,
        "Query": number,
        "Options": list(endpoint.options),
        "Parameters": list(endpoint.parameters),
        "Published": True,
        "PageSize": 1000,
    }


def opted_out(estab: str, relying_party: str) -> Row:
    """``GDPRIDs``: nobody has opted out."""
    return {
        "GDPR": [
            {
                "IsOptIn": False,
                "Estab": estab,
                "RelyingParty": relying_party,
                "MIS": None,
                "StudentIds": [],
                "StaffIds": [],
                "ContactIds": [],
                "OtherIds": [],
            }
        ]
    } | NO_EXCEPTION
