"""Rows as JSON, for the quarantine: what went wrong must be kept even when it is what no column can hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime

from orchestration.connectors.base import Row, Value
from orchestration.ingest.categories import Table

#: Members of a ``row_key`` that does not name the row by its table's key.
SOURCE_ID = "source_id"
PAYLOAD_HASH = "payload_md5"

#: An id of more characters is none, and no index can hold it.
LONGEST_ID = 500

_READ: Mapping[str, Callable[[str], Value]] = {"date": date.fromisoformat, "timestamptz": datetime.fromisoformat}


def from_source(payload: bytes) -> tuple[str, str]:
    """Row key and payload, as JSON text, of a source row that did not decode.

    The key is the record's own ``id`` where it is a JSON object that has one, so that reading the record again finds
    the same open row; else, or where that is too long for an id, the hash of its bytes.
    """
    try:
        record = json.loads(payload, parse_constant=str)
    except ValueError:
        record = {"text": payload.decode("utf-8", "backslashreplace")}
    identity = record.get("id") if isinstance(record, dict) else None
    if isinstance(identity, str | int) and len(str(identity)) <= LONGEST_ID:
        return _text({SOURCE_ID: str(identity)}), _text(record)
    return _text({PAYLOAD_HASH: _hash(payload)}), _text(record)


def from_row(table: Table, row: Row) -> tuple[str, str]:
    """Row key and payload, as JSON text, of a decoded row; a row of the wrong length keeps what it has."""
    record = dict(zip(table.columns, row, strict=False))
    payload = _text(record)
    key = {column: _id_or_none(record.get(column)) for column in table.key}
    if None in key.values():
        key[PAYLOAD_HASH] = _hash(payload.encode())
    return _text(key), payload


def from_record(key: Mapping[str, object] | None, record: Mapping[str, str]) -> tuple[str, str]:
    """Row key and payload, as JSON text, of a row of a file; without a key, that is the hash of all it held."""
    held = _text(dict(record))
    return _text(dict(key) if key else {PAYLOAD_HASH: _hash(held.encode())}), held


def _id_or_none(value: Value) -> Value:
    return None if isinstance(value, str) and len(value) > LONGEST_ID else value


def to_row(table: Table, payload: Mapping[str, object]) -> Row:
    """The row that a payload of kind ``landing`` was; a column it does not have is null. Raises ``ValueError``."""
    return tuple(_value(field.sql_type, payload.get(field.name)) for field in table.fields)


def _value(sql_type: str, value: object) -> Value:
    if isinstance(value, str) and sql_type in _READ:
        return _READ[sql_type](value)
    if value is None or isinstance(value, str | int | bool):
        return value
    raise ValueError(f"{type(value).__name__} in a column of type {sql_type}")


def _text(value: object) -> str:
    return json.dumps(_storable(value), ensure_ascii=False)


def _storable(value: object) -> object:
    """What jsonb can hold: it knows neither NUL nor half a surrogate pair, so those are spelt out."""
    match value:
        case dict():
            return {str(_storable(name)): _storable(member) for name, member in value.items()}
        case list():
            return [_storable(member) for member in value]
        case str():
            return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\u0000")
        case None | bool() | int() | float():
            return value
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _hash(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
