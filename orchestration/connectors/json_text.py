"""Taking JSON text apart without decoding it, so that a part can be kept as received.

The fast way is msgspec's. It refuses a whole text in which any string holds half a surrogate pair, a control character
or bytes that are not UTF-8; then the text is done again the slow way, so that the other parts are not lost with that
one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_LENIENT = json.JSONDecoder(strict=False)
_BETWEEN = re.compile(r"[\s,:]*")


def members(body: bytes) -> dict[str, bytes]:
    """The values of a JSON object by name, as received; the last one where a name comes twice.

    Raises ``ValueError`` when the text is no whole JSON object.
    """
    try:
        return {name: bytes(value) for name, value in _MEMBERS.decode(body).items()}
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _checked(body, dict)
    found = {}
    position = _skip(text, text.index("{") + 1)
    while text[position] != "}":
        name, end = _LENIENT.raw_decode(text, position)
        position = _skip(text, end)
        _, end = _LENIENT.raw_decode(text, position)
        found[name] = _encoded(text[position:end])
        position = _skip(text, end)
    return found


def elements(body: bytes) -> list[bytes]:
    """The elements of a JSON list, as received. Raises ``ValueError`` when the text is no whole JSON list."""
    try:
        return [bytes(element) for element in _ELEMENTS.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = _checked(body, list)
    found = []
    position = _skip(text, text.index("[") + 1)
    while text[position] != "]":
        _, end = _LENIENT.raw_decode(text, position)
        found.append(_encoded(text[position:end]))
        position = _skip(text, end)
    return found


def _checked(body: bytes, kind: type) -> str:
    text = body.decode("utf-8", "surrogateescape")
    value: Any = _LENIENT.decode(text)
    if not isinstance(value, kind):
        raise ValueError(f"{kind.__name__} expected, not {type(value).__name__}")
    return text


def _skip(text: str, position: int) -> int:
    match = _BETWEEN.match(text, position)
    return match.end() if match else position


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
