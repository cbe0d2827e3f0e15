"""The API's description in OpenAPI 3.1, made from the table of operations."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from reports.api.models import Failure
from reports.api.operations import OPERATIONS, Operation

_REFERENCE = "#/components/schemas/{model}"
_REFUSED = {"401": "Nobody is signed in.", "403": "Not allowed.", "404": "No such school, or not yours."}
_REFUSED_ACT = {
    "400": "No valid JSON.",
    "409": "The target has changed meanwhile, or does not wait for this act, or is one's own.",
    "413": "Too large.",
    "415": "Not JSON.",
}


@cache
def describe() -> dict[str, Any]:
    """Return the OpenAPI document."""
    _, schemas = models_json_schema(
        [
            *((one.takes, "validation") for one in OPERATIONS),
            *((one.answers, "serialization") for one in OPERATIONS),
            (Failure, "serialization"),
        ],
        ref_template=_REFERENCE,
    )
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Open MIS platform: target setting", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "mis_session"},
                "form": {"type": "apiKey", "in": "header", "name": "X-Form-Token"},
            },
        },
    }


def _operation(one: Operation) -> dict[str, Any]:
    acts = one.method == "POST"
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "security": [{"session": [], **({"form": []} if acts else {})}],
        "parameters": [
            *(
                [{"name": "school_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}]
                if "{school_id}" in one.path
                else []
            ),
            *([] if acts else _query(one)),
        ],
        "responses": {
            "200": _content("Done.", one.answers.__name__),
            **{
                code: _content(why, Failure.__name__)
                for code, why in (_REFUSED | (_REFUSED_ACT if acts else {})).items()
            },
            "422": _content("The request, or a target in it, cannot be.", Failure.__name__),
            "503": _content("No estimates are published.", Failure.__name__),
        },
    }
    if acts:
        found["requestBody"] = {"required": True, **_content("", one.takes.__name__)}
        del found["requestBody"]["description"]
    return found


def _query(one: Operation) -> list[dict[str, Any]]:
    properties = one.takes.model_json_schema().get("properties", {})
    return [{"name": name, "in": "query", "schema": schema} for name, schema in properties.items()]


def _content(description: str, model: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model)}}},
    }
