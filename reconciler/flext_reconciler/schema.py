"""JSON Schema (2020-12) of documents and environment files, for editors and for checks without flext.

Made from the models that loading validates with. It knows nothing of other documents: that an address is declared, that
a reference finds its value and that a service offers a kind is found out by loading alone; so is a secret written out
inside a free mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from .load.entries import DocumentEntry, EnvironmentEntry
from .load.services import Catalog
from .model import Json
from .spec import Spec, field_rules, names_a_secret

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DEFINITIONS = "#/$defs/"
_REFERENCE = {
    "type": "string",
    "pattern": r"\$\{",
    "description": "A reference: ${env:NAME}, ${file:PATH}, ${var:NAME}, ${service:NAME.FIELD}, ${ref:ADDRESS.FIELD}.",
}


def document_schema(catalog: Catalog) -> dict[str, Json]:
    """Return the schema of one document of the desired state, for every kind that the providers offer."""
    definitions: dict[str, Json] = {}
    offered: dict[str, list[Json]] = {}
    for provider, kinds in sorted(catalog.items()):
        for kind, model in kinds.items():
            offered.setdefault(kind, []).append(_spec_schema(model, f"{provider}.{kind}", definitions))
    document = _model_schema(DocumentEntry, "document", definitions, closed=("spec",))
    document["properties"]["kind"]["anyOf"] = [{"enum": sorted(offered)}, _reference()]
    del document["properties"]["kind"]["type"]
    document["allOf"] = [_when(kind, schemas) for kind, schemas in sorted(offered.items())]
    return _complete("flext desired state", document, definitions)


def kind_schema(kind: str, model: type[Spec]) -> dict[str, Json]:
    """Return the schema of the `spec` of one kind."""
    definitions: dict[str, Json] = {}
    return _complete(kind, _spec_schema(model, kind, definitions), definitions)


def environment_schema() -> dict[str, Json]:
    """Return the schema of an environment file."""
    definitions: dict[str, Json] = {}
    closed = ("vars", "patches", "defaults", "spec", "labels", "lifecycle")
    environment = _model_schema(EnvironmentEntry, "environment", definitions, closed=closed)
    service = definitions["environment.ServiceEntry"]["properties"]
    service["token"]["anyOf"] = [_reference(), {"type": "null"}]
    return _complete("flext environment", environment, definitions)


def _complete(title: str, schema: dict[str, Json], definitions: dict[str, Json]) -> dict[str, Json]:
    sorted_definitions = dict(sorted({**definitions, "reference": _REFERENCE}.items()))
    return {"$schema": DIALECT, "title": title, **schema, "$defs": sorted_definitions}


def _when(kind: str, schemas: list[Json]) -> Json:
    return {
        "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]},
        "then": {"properties": {"spec": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}},
    }


def _reference() -> Json:
    return {"$ref": f"{_DEFINITIONS}reference"}


def _spec_schema(model: type[Spec], prefix: str, definitions: dict[str, Json]) -> dict[str, Json]:
    schema = _model_schema(model, prefix, definitions)
    not_written_out = {"anyOf": [{"not": {"type": "string"}}, {"const": ""}, _reference()]}
    for name, rule in field_rules(model).items():
        if rule.sensitive or names_a_secret(name):
            schema["properties"][name] = {"allOf": [schema["properties"][name], not_written_out]}
    return schema


def _model_schema(
    model: type[BaseModel], prefix: str, definitions: dict[str, Json], closed: tuple[str, ...] = ()
) -> dict[str, Json]:
    # The model's own definitions move under the prefix; no reference can stand for what is closed.
    schema: dict[str, Json] = model.model_json_schema(ref_template=f"{_DEFINITIONS}{prefix}.{{model}}")
    for name, definition in schema.pop("$defs", {}).items():
        definitions[f"{prefix}.{name}"] = _object(definition, closed)
    return _object(schema, closed)


def _object(schema: Mapping[str, Any], closed: tuple[str, ...]) -> dict[str, Json]:
    opened = _inside(schema)
    if "properties" in schema:
        opened["properties"] = {
            name: _inside(item) if name in closed else _or_reference(item)
            for name, item in schema["properties"].items()
        }
    return opened


def _inside(schema: Mapping[str, Any]) -> dict[str, Json]:
    """Return a schema whose items may be references, but not itself."""
    inside = {key: value for key, value in schema.items() if key != "title"}
    for key in ("items", "additionalProperties"):
        if isinstance(inside.get(key), dict):
            inside[key] = _or_reference(inside[key])
    if "prefixItems" in inside:
        inside["prefixItems"] = [_or_reference(item) for item in inside["prefixItems"]]
    if "patternProperties" in inside:
        named = {pattern: _or_reference(item) for pattern, item in inside["patternProperties"].items()}
        inside.update(patternProperties=named, additionalProperties=False)
    return inside


def _or_reference(schema: Mapping[str, Any]) -> dict[str, Json]:
    # What may be any text or anything at all may be a reference anyway.
    inner = _inside(schema)
    outside: dict[str, Json] = {key: inner.pop(key) for key in ("description", "default") if key in inner}
    if not inner or inner == {"type": "string"}:
        return {**outside, **inner}
    return {**outside, "anyOf": [*map(_inside, inner.get("anyOf", [inner])), _reference()]}
