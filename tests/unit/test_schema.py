"""The JSON Schema says of every case what loading says, but for what it cannot know, which is named."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

import load_cases
from flext_reconciler.load.parse import parse
from flext_reconciler.schema import document_schema, environment_schema, kind_schema

CASES = {path.stem: load_cases.read_case(path) for path in load_cases.CASES}
DOCUMENT = Draft202012Validator(document_schema(load_cases.CATALOG))
ENVIRONMENT = Draft202012Validator(environment_schema())


def accepts(case: dict[str, Any]) -> bool:
    files = {"environments/dev.yaml": load_cases.ENVIRONMENT, **case["files"]}
    for name, text in files.items():
        hidden = any(part.startswith(".") for part in name.split("/"))
        if name.endswith((".yaml", ".yml")) and not hidden:
            schema = ENVIRONMENT if name.startswith("environments/") else DOCUMENT
            values = [document.value for document in parse(text.encode()).documents]
            if not all(schema.is_valid(value) for value in values if value is not None):
                return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_the_schema_agrees_with_loading(name):
    case = CASES[name]
    assert accepts(case) == ("resources" in case or "schema" in case)


@pytest.mark.parametrize("validator", [DOCUMENT, ENVIRONMENT], ids=["document", "environment"])
def test_the_schemas_are_schemas_of_the_dialect(validator):
    Draft202012Validator.check_schema(validator.schema)
    assert validator.schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert validator.schema["additionalProperties"] is False


def test_a_kind_alone():
    validator = Draft202012Validator(kind_schema("pipeline", load_cases.Pipeline))
    assert validator.is_valid({"steps": [{"name": "a", "plugin": "${var:p}"}], "active": "${var:on}"})
    assert not validator.is_valid({"steps": [{"name": "a"}]})
    assert not validator.is_valid({"active": "on"})
    assert not validator.is_valid({"colour": "red"})


def test_the_schema_has_an_order_of_its_own():
    backwards = dict(reversed(list(load_cases.CATALOG.items())))
    assert document_schema(backwards) == document_schema(load_cases.CATALOG)
    assert list(document_schema(backwards)["$defs"]) == list(document_schema(load_cases.CATALOG)["$defs"])
