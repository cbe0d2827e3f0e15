"""The registry's SQL means what Great Expectations means by the same expectation, nulls and empty tables included."""

from __future__ import annotations

from typing import Any

import great_expectations as gx
import psycopg
import pytest
import sqlalchemy as sa
from great_expectations.core import ExpectationSuite
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
from quality_tables import create, insert

from orchestration.quality.predicates import PredicateError, RowCheck, TableCheck, bind, compile_check

ROWS: list[dict[str, Any]] = [
    {"word": "AM", "number": 0, "day": "2024-08-18"},
    {"word": "PM", "number": 400, "day": "2024-08-19"},
    {"word": "it's", "number": -1, "day": None},
    {"word": "", "number": 401, "day": "2025-07-18"},
    {"word": "a\\b", "number": None, "day": "2030-01-01"},
    {"word": None, "number": 7, "day": None},
    {"word": "50%", "number": None, "day": None},
]
ROW_RULES: list[tuple[str, dict[str, Any]]] = [
    ("expect_column_values_to_not_be_null", {"column": "word"}),
    ("expect_column_values_to_not_be_null", {"column": "number"}),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["AM", "PM"]}),
    ("expect_column_values_to_be_in_set", {"column": "word", "value_set": ["it's", "a\\b", "50%"]}),
    ("expect_column_values_to_be_in_set", {"column": "number", "value_set": [0, 400]}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0, "max_value": 400}),
    ("expect_column_values_to_be_between", {"column": "number", "min_value": 0}),
    ("expect_column_values_to_be_between", {"column": "number", "max_value": 7}),
    ("expect_column_value_lengths_to_be_between", {"column": "word", "min_value": 1, "max_value": 3}),
    ("expect_column_value_lengths_to_be_between", {"column": "word", "max_value": 2}),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": "^[A-Z]{2}$"}),
    ("expect_column_values_to_match_regex", {"column": "word", "regex": "%|'"}),
]
TABLE_RULES: list[tuple[str, dict[str, Any]]] = [
    ("expect_table_row_count_to_be_between", {"min_value": 1}),
    ("expect_table_row_count_to_be_between", {"min_value": 8}),
    ("expect_table_row_count_to_be_between", {"max_value": 6}),
]


def plain_gx(engine: sa.Engine, table: str, expectation: str, kwargs: dict[str, Any]) -> Any:
    """What Great Expectations itself finds, without any of our code."""
    context = gx.get_context(mode="ephemeral")
    url = engine.url.render_as_string(hide_password=False)
    source = context.data_sources.add_postgres("plain", connection_string=url, create_temp_table=False)
    batch = source.add_table_asset("t", table_name=table, schema_name="landing").add_batch_definition_whole_table("b")
    configuration = ExpectationConfiguration(type=expectation, kwargs=kwargs)
    suite = ExpectationSuite(name="plain", expectations=[configuration.to_domain_obj()])
    found = batch.get_batch().validate(suite, result_format="BASIC").results[0]
    assert not found.exception_info["raised_exception"]
    source.get_execution_engine().close()
    source.get_engine().dispose()
    return found


@pytest.fixture(scope="module", autouse=True)
def tables(module_warehouse: Any) -> None:
    with module_warehouse.connect(autocommit=True) as connection:
        for name, rows in (("full", ROWS), ("empty", [])):
            create(connection, f"landing.{name}", {"word": "text", "number": "integer", "day": "date"})
            insert(connection, f"landing.{name}", rows)


@pytest.mark.parametrize(("expectation", "kwargs"), ROW_RULES)
def test_a_row_rule_counts_what_great_expectations_counts(
    conn: psycopg.Connection[Any], engine: sa.Engine, expectation: str, kwargs: dict[str, Any]
) -> None:
    check = compile_check(expectation, kwargs)
    assert isinstance(check, RowCheck)
    statement = f"select count(*) filter (where ({check.predicate}) is not true) from landing.full"
    counted = conn.execute(statement.encode()).fetchone()
    plain = plain_gx(engine, "full", expectation, kwargs)
    assert counted == (plain.result["unexpected_count"],)
    assert 0 < plain.result["unexpected_count"] < len(ROWS)  # the rows do try the rule


@pytest.mark.parametrize("table", ["full", "empty"])
@pytest.mark.parametrize(("expectation", "kwargs"), TABLE_RULES)
def test_a_table_rule_finds_what_great_expectations_finds(
    conn: psycopg.Connection[Any], engine: sa.Engine, expectation: str, kwargs: dict[str, Any], table: str
) -> None:
    check = compile_check(expectation, kwargs)
    assert isinstance(check, TableCheck)
    found = conn.execute(f"select {check.condition} from landing.{table}".encode()).fetchone()
    assert found == (plain_gx(engine, table, expectation, kwargs).success,)


@pytest.mark.parametrize(
    ("expectation", "kwargs", "says"),
    [
        ("expect_column_values_to_be_unique", {"column": "a"}, "unknown expectation type"),
        ("expect_column_values_to_not_be_null", {}, "kwarg column is missing"),
        ("expect_column_values_to_not_be_null", {"column": "a", "mostly": 0.9}, "kwarg mostly is not known"),
        ("expect_column_values_to_not_be_null", {"column": "a; drop"}, "not a plain lower-case column name"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": []}, "at least one value"),
        ("expect_column_values_to_be_in_set", {"column": "a", "value_set": [None]}, "not a text, number or boolean"),
        ("expect_column_values_to_be_between", {"column": "a"}, "min_value, max_value or both"),
        ("expect_rows_to_satisfy", {"predicate": " "}, "must be SQL text"),
        ("expect_table_to_satisfy", {"condition": "true"}, "kwarg observed is missing"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(expectation: str, kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises(PredicateError, match=says):
        compile_check(expectation, kwargs)


def test_the_day_the_data_stand_for_is_filled_in() -> None:
    from datetime import date

    assert bind("d <= :as_at and e::as_at", date(2025, 7, 18)) == "d <= date '2025-07-18' and e::as_at"
    assert bind("d <= :as_at", None) == "d <= current_date"
