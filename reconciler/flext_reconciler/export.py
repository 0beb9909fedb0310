"""Writes what services hold as YAML that plans empty; secrets become references to environment variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from .load.parse import parse
from .load.scalars import resolve
from .load.symbols import under_secret_name
from .load.wording import dotted, path_of, printable, said, value_at
from .model import Actual, Address, Json, Path, Presence, Secret
from .references import fill, map_texts
from .spec import Spec, field_rules

Kinds = Mapping[tuple[str, str], type[Spec]]
"""(service, kind) → its Spec."""


def to_yaml(actuals: Iterable[Actual], kinds: Kinds) -> str:
    """Return one document for each present resource, sorted; what cannot be declared is named in a comment."""
    variables = _Variables()
    seen: set[Address] = set()
    documents = []
    for actual in sorted(actuals, key=lambda actual: (actual.address, actual.id or "")):
        if actual.presence is Presence.PRESENT and actual.address[:2] in kinds:
            document = _Document(actual, kinds[actual.address[:2]], variables)
            documents.append(
                document.text() if actual.address not in seen else document.left_out("its name is not unique")
            )
            seen.add(actual.address)
    return "---\n".join(documents)


class _Variables:
    """Gives every secret an environment variable of its own."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def name(self, address: Address, path: Path) -> str:
        """Return a free name: of service, resource and field, and longer when that is taken."""
        field = next(part for part in reversed(path) if isinstance(part, str))
        for parts in self._candidates(address, field, path):
            name = re.sub(r"[^A-Z0-9]+", "_", "_".join(map(str, parts)).upper()).strip("_")
            name = name if name[:1].isalpha() else f"FLEXT_{name}"
            if name not in self._taken:
                self._taken.add(name)
                return name
        raise AssertionError("the candidates never end")

    def _candidates(self, address: Address, field: str, path: Path) -> Iterator[tuple[str | int, ...]]:
        yield (address.service, address.name, field)
        yield (*address, *path)
        number = 2
        while True:
            yield (*address, *path, number)
            number += 1


class _Document:
    def __init__(self, actual: Actual, model: type[Spec], variables: _Variables) -> None:
        self._address = actual.address
        self._model = model
        self._variables = variables
        self._asked: list[str] = []
        self._comments: list[str] = []
        rules = field_rules(model)
        self._spec = {
            name: self._written(actual.spec[name], (name,), secret=rules[name].sensitive)
            for name in rules
            if name in actual.spec and not rules[name].local
        }

    def text(self) -> str:
        """Return the document, or a comment that says why there is none."""
        if not re.fullmatch(self._model.name_pattern, self._address.name):
            return self.left_out(f"names must match {self._model.name_pattern}")
        refused = self._drop_what_is_refused()
        if refused:
            return self.left_out(refused)
        service, kind, name = self._address
        spec = _with_references(map_texts(self._spec, lambda text: text.replace("${", "$${")))
        body = _dumped({"kind": kind, "name": name, "service": service, "spec": spec})
        parsed = parse(body.encode())
        if parsed.findings or parsed.refusals:
            return self.left_out("it holds a value that YAML cannot write")
        if self._asked:
            self._comments.append(f"set before planning, to what the service holds: {', '.join(self._asked)}")
        return "".join(f"# {comment}\n" for comment in self._comments) + body

    def left_out(self, why: str) -> str:
        """Return the comment that stands for the document."""
        return f"# {printable(str(self._address))} is left out: {why}\n"

    def _written(self, value: Json, path: Path, *, secret: bool) -> Json:
        if isinstance(value, Mapping):
            return {key: self._written(item, (*path, key), secret=secret) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._written(item, (*path, index), secret=secret) for index, item in enumerate(value)]
        if isinstance(value, Secret) or (isinstance(value, str) and value and (secret or under_secret_name(path))):
            self._asked.append(self._variables.name(self._address, path))
            return Secret(f"${{env:{self._asked[-1]}}}", "")
        return value

    def _drop_what_is_refused(self) -> str:
        # A service may hold what its kind does not let anybody declare; the rest is still worth having.
        while True:
            try:
                self._model.__pydantic_validator__.validate_json(orjson.dumps(_with_references(self._spec)))
            except ValidationError as error:
                first = error.errors(include_url=False, include_input=False)[0]
            except TypeError:
                return "it holds a value that JSON cannot write"
            else:
                return ""
            name = str(first["loc"][0]) if first["loc"] else ""
            if name not in self._spec or self._model.model_fields[name].is_required():
                return self._words(first)
            self._comments.append(f"`{name}` is left out: {self._words(first)}")
            del self._spec[name]

    def _words(self, error: ErrorDetails) -> str:
        path = path_of(error["loc"], self._spec)
        if error["type"] == "missing":
            return f"{dotted((*path, str(error['loc'][-1])))} is missing"
        return f"{dotted(path) or 'it'} {said(error, value_at(self._spec, path))}"


def _with_references(spec: Json) -> Json:
    return fill(spec, lambda secret: secret.text, lambda _: None)


# ------------------------------------------------------------------------------------------------ YAML


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes without anchors, and quotes what YAML 1.1 or 1.2 would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> yaml.ScalarNode:
    # Plain scalars that PyYAML reads differently, by YAML 1.1, it quotes itself.
    style = '"' if _needs_escapes(text) else "|" if "\n" in text else None if _is_text(text) else '"'
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


def _needs_escapes(text: str) -> bool:
    # What cannot be seen, and what a CI job's runner could obey: in double quotes both may become escapes later.
    return not _is_seen(text) or "##" in text or "::" in text


def _is_seen(text: str) -> bool:
    return text.replace("\n", "").isprintable()


def _is_text(text: str) -> bool:
    try:
        return resolve(text) == text and text != "<<"
    except ValueError:
        return False


_Dumper.add_representer(str, _represent_text)


def _dumped(document: Json) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=2**30
    )
    return text if _is_seen(text) else "".join(char if _is_seen(char) else printable(char) for char in text)
