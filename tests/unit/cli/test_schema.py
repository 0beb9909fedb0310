"""The published schemas accept what flext accepts; they may be weaker, never stricter."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import orjson
import pytest
import yaml
from click.testing import CliRunner

from flext_reconciler.cli.platform import catalog_of
from flext_reconciler.cli.schema import command
from flext_reconciler.errors import UsageError
from flext_reconciler.registry import load_providers
from flext_reconciler.schema import document_schema, environment_schema

EXAMPLES = Path(__file__).resolve().parents[3] / "desired-state"
RESOURCE = document_schema(catalog_of(load_providers()))
ENVIRONMENT = environment_schema()

REFUSED = [
    {"kind": "nothing", "name": "abc"},
    {"kind": "pipeline"},
    {"kind": "pipeline", "name": "abc", "extra": 1},
    {"kind": "pipeline", "name": "abc", "spec": {"actve": True}},
    {"kind": "pipeline", "name": "abc", "spec": {"active": "yes"}},
    {"kind": "tap", "name": "abc", "spec": {"settings": {"properties": {"a": {"type": "strin"}}}}},
    {"kind": "pipeline", "name": "abc", "lifecycle": {"protect": 1}},
]
ACCEPTED = [
    {"kind": "pipeline", "name": "abc", "spec": {"active": "${var:active}"}},
    {"kind": "pipeline", "name": "abc", "spec": {"steps": [{"name": "a", "plugin": "${var:plugin}"}]}},
    {
        "kind": "plugin",
        "name": "abc",
        "service": "flexcore",
        "spec": {"type": "ray", "config": {"a": [1, {"b": None}]}},
    },
]


def _errors(schema, value):
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


@pytest.mark.parametrize(
    ("args", "title"),
    [
        ([], "flext desired state"),
        (["--environment-file"], "flext environment"),
        (["--plan"], "flext plan"),
        (["--kind", "pipeline"], "flext-service.pipeline"),
        (["--kind", "flexcore.plugin"], "flexcore.plugin"),
    ],
)
def test_the_command_prints_each_schema(args, title):
    shown = orjson.loads(CliRunner().invoke(command, args).stdout)
    jsonschema.Draft202012Validator.check_schema(shown)
    assert shown["title"] == title


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["--kind", "plugin"], "Choose one of flexcore.plugin, flext-service.plugin."),
        (["--kind", "plugn"], "There are"),
        (["--plan", "--environment-file"], ""),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(args, hint):
    error = CliRunner().invoke(command, args).exception
    assert isinstance(error, UsageError)
    assert hint in error.hint


@pytest.mark.parametrize("schema", [RESOURCE, ENVIRONMENT], ids=["resource", "environment"])
def test_a_schema_is_one(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/*.yaml")), ids=lambda path: path.name)
def test_the_examples_are_accepted(path):
    schema = ENVIRONMENT if path.parent.name == "environments" else RESOURCE
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert _errors(schema, document) == []


@pytest.mark.parametrize("document", ACCEPTED)
def test_references_are_accepted_everywhere(document):
    assert _errors(RESOURCE, document) == []


@pytest.mark.parametrize("document", REFUSED)
def test_what_can_never_be_right_is_refused(document):
    assert _errors(RESOURCE, document)
