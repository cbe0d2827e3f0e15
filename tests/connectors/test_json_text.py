"""JSON text taken apart: every part as received, and one bad part costs no other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.connectors.json_text import elements, members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
#: What msgspec refuses a whole text for, so that it is done the slow way.
BROKEN = [b'"\\ud800"', b'"Zo\xeb"', b'"two\nlines"']
INDENTS = st.sampled_from([None, 0, 3])


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=5), INDENTS)
def test_members_are_the_values_by_name(value: dict[str, Any], indent: int | None) -> None:
    body = json.dumps(value, indent=indent).encode("utf-8", "surrogatepass")
    assert {name: json.loads(part) for name, part in members(body).items()} == value


@given(st.lists(JSON, max_size=5), INDENTS)
def test_elements_are_the_values_in_order(value: list[Any], indent: int | None) -> None:
    body = json.dumps(value, indent=indent).encode("utf-8", "surrogatepass")
    assert [json.loads(part) for part in elements(body)] == value


@pytest.mark.parametrize("broken", BROKEN)
@given(st.lists(JSON, max_size=4), INDENTS)
def test_a_part_that_is_no_text_leaves_the_others_as_received(
    broken: bytes, value: list[Any], indent: int | None
) -> None:
    parts = [json.dumps(one, indent=indent).encode() for one in value]
    assert elements(b" [ " + b" ,\n".join([*parts, broken, *parts]) + b" ] ") == [*parts, broken, *parts]
    named = [(f"n{place}", part) for place, part in enumerate([*parts, broken, *parts])]
    body = b"{" + b" , ".join(f'"{name}" : '.encode() + part for name, part in named) + b"}"
    assert members(body) == dict(named)


@pytest.mark.parametrize("broken", [*BROKEN, b'""'])
def test_of_a_name_that_comes_twice_the_last_value_counts(broken: bytes) -> None:
    assert members(b'{"a":1,"b":' + broken + b',"a":[2]}') == {"a": b"[2]", "b": broken}


@pytest.mark.parametrize("body", [b"", b"5", b"[1", b'{"a":1', b"\xff", b'"text"', b"[1]]", b"{}{}", b"null", b"[1,]"])
def test_what_is_no_whole_object_or_list_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        members(body)
    with pytest.raises(ValueError, match=r"."):
        elements(body)


def test_an_object_is_no_list_and_a_list_no_object() -> None:
    with pytest.raises(ValueError, match="list expected, not dict"):
        elements(b"{}")
    with pytest.raises(ValueError, match="dict expected, not list"):
        members(b"[]")
