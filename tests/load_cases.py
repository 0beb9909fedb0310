"""The cases of `tests/cases/load`: a desired state as data, and exactly what loading it gives.

A case is a YAML file with `files` (path → text), `environ`, and either `errors`, the whole message, or `resources`, by
address, of which only what is written is compared. Without an environment file of its own a case gets `ENVIRONMENT`.
`schema` says why the JSON Schema accepts a desired state that loading refuses; it may never be the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import yaml
from pydantic import Field, StringConstraints

from flext_reconciler.errors import DesiredStateError
from flext_reconciler.load import Loaded, load
from flext_reconciler.model import Deferred, Json, Secret
from flext_reconciler.references import Fingerprinter
from flext_reconciler.spec import Schedule, Sensitive, Spec, Tag, Unordered, Version

CASES = sorted((Path(__file__).parent / "cases" / "load").glob("*.yaml"))

ENVIRONMENT = """\
services:
  flexcore: {url: "http://localhost:8080", timeout: 30}
  flext-service: {url: "http://localhost:8081", timeout: 60}
defaults: {plugin: flexcore}
"""

KEY = b"a key that is nobody's secret..."


class Plugin(Spec):
    """A plugin."""

    type: Annotated[str, StringConstraints(min_length=1)]
    version: Version | None = None
    enabled: bool = True
    retries: Annotated[int, Field(ge=0, le=10)] = 0
    ratio: float = 1.0
    config: dict[str, Any] = Field(default_factory=dict)


class Step(Spec):
    """A step of a pipeline."""

    name: str
    plugin: str
    options: dict[str, Any] = Field(default_factory=dict)


class Pipeline(Spec):
    """A pipeline."""

    refers_to: ClassVar[Mapping[tuple[str | int, ...], str]] = {("steps", "*", "plugin"): "plugin"}

    steps: list[Step] = Field(default_factory=list)
    schedule: Schedule | None = None
    active: bool = True
    tags: Annotated[list[Tag], Unordered()] = Field(default_factory=list)


class Vault(Spec):
    """Something that is secret as a whole."""

    contents: Annotated[Any, Sensitive()] = None
    note: str = ""


CATALOG: Mapping[str, Mapping[str, type[Spec]]] = {
    "flexcore": {"plugin": Plugin, "vault": Vault},
    "flext-service": {"plugin": Plugin, "pipeline": Pipeline},
}


def read_case(path: Path) -> dict[str, Any]:
    """Read a case; it is written for PyYAML, whose reading of it is no matter of taste."""
    case: dict[str, Any] = yaml.safe_load(path.read_text())
    return case


def write_files(case: Mapping[str, Any], root: Path) -> None:
    """Write a case's desired state."""
    files = dict(case["files"])
    if not any(name.startswith("environments/") for name in files):
        files["environments/dev.yaml"] = ENVIRONMENT
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load_case(case: Mapping[str, Any], root: Path, **options: Any) -> Loaded:
    """Load a written case the way the command line does."""
    environ = {"TOKEN": "s3cret-value", **case.get("environ", {})}
    path = root / case.get("path", "")
    fingerprinter = Fingerprinter(KEY)
    return load(path, case.get("environment"), CATALOG, environ=environ, fingerprinter=fingerprinter, **options)


def outcome(case: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return what loading a case gives, in the words of a case."""
    try:
        declaration = load_case(case, root).declaration
    except DesiredStateError as error:
        return {"errors": f"{error}\n"}
    return {
        "resources": {
            str(resource.address): {
                "spec": plainly(resource.spec),
                "place": str(resource.place),
                "depends_on": [str(address) for address in resource.depends_on],
                "labels": dict(resource.labels),
                "protect": resource.lifecycle.protect,
                "ignore": list(resource.lifecycle.ignore),
                "adopt": resource.lifecycle.adopt,
            }
            for resource in declaration.resources
        }
    }


def plainly(value: Json) -> Json:
    """Return a value whose secrets and deferred values say what they are."""
    if isinstance(value, Secret):
        return f"secret {value.text}"
    if isinstance(value, Deferred):
        return f"{list(value.path)} of {value.address}"
    if isinstance(value, Mapping):
        return {key: plainly(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plainly(item) for item in value]
    return value
