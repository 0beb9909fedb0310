"""From documents to drafts: which address a document declares, and how the environment patches it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from ..model import Address, Json, Path
from ..spec import Spec
from .entries import DocumentEntry
from .environment import Environment
from .findings import validate
from .locate import Target
from .patches import Origin, merged
from .problems import Problems, Source, Spot
from .symbols import Expander, marked
from .wording import nearest, quoted

_HEADER_SCHEMES = frozenset({"var", "service"})


class Draft(NamedTuple):
    """A document whose address is known; its spec is still as written."""

    address: Address
    model: type[Spec]
    header: Mapping[str, Json]  # the document less its spec
    spec: Mapping[str, Json] | None  # None when it is no mapping
    marked: tuple[Path, ...]  # within the spec
    origin: Origin
    valid: bool  # whether the header is; the spec is looked at in any case


class Drafter:
    """Turns documents into drafts, in order; every address once."""

    def __init__(self, environment: Environment, expander: Expander, problems: Problems) -> None:
        self.drafts: dict[Address, Draft] = {}
        self.complete = True  # whether the address of every document is known
        self._offering: dict[str, list[str]] = {}
        self._environment = environment
        self._expander = expander
        self._problems = problems

    def read(self, source: Source) -> None:
        """Draft every document of a source."""
        for number, document in enumerate(source.documents):
            origin = Origin(Spot(source, Target(number, ())))
            if isinstance(document.value, dict):
                self._read(document.value, document.marked, origin)
            elif document.value is not None:
                self._problems.add(origin.spot, "a document must be a mapping with `kind`, `name` and `spec`")

    def _read(self, value: dict[str, Json], marks: tuple[Path, ...], origin: Origin) -> None:
        header, valid = self._header(value, marks, origin)
        address = self._address(header, origin)
        if address is None:
            self.complete = False
            return
        patch = self._environment.patches.get(address)
        if patch is not None and self._environment.spot is not None:
            origin = Origin(origin.spot, self._environment.spot.at("patches", str(address)), patch)
            value = merged(value, patch)
            marks = marked(value)
            header, valid = self._header(value, marks, origin)
        if address in self.drafts:
            first = self.drafts[address].origin.place
            message = f"{quoted(str(address))} is declared twice; first at {first}"
            self._problems.add(origin.spot.at("name"), message)
            return
        spec = value.get("spec", {})
        self.drafts[address] = Draft(
            address=address,
            model=self._environment.kinds[address.service, address.kind],
            header=header,
            spec=spec if isinstance(spec, dict) else None,
            marked=tuple([path[1:] for path in marks if path[0] == "spec" and len(path) > 1]),
            origin=origin,
            valid=valid,
        )

    def _header(self, value: dict[str, Json], marks: tuple[Path, ...], origin: Origin) -> tuple[dict[str, Json], bool]:
        header = {**value, "spec": {}} if isinstance(value.get("spec"), dict) else value
        filled = self._expander.fill(
            header,
            [path for path in marks if path[0] != "spec"],
            _HEADER_SCHEMES,
            lambda path, error: self._problems.add_error(origin.where(path), error),
        )
        for path in sorted(filled.secret):
            self._problems.add(origin.where(path), "a secret can stand under `spec` only")
        valid = validate(DocumentEntry, filled, (), origin.where, self._problems)
        if filled.secret or filled.unknown:
            refused = filled.secret | filled.unknown
            return {key: item for key, item in filled.symbolic.items() if (key,) not in refused}, False
        return filled.symbolic, valid

    # -------------------------------------------------------------------------------------------- addresses

    def _address(self, header: Mapping[str, Json], origin: Origin) -> Address | None:
        kind, name, written = header.get("kind"), header.get("name"), header.get("service")
        if not isinstance(kind, str) or not isinstance(name, str):
            return None
        service = self._service(kind, written, origin)
        if service is None:
            return None
        pattern = self._environment.kinds[service, kind].name_pattern
        if not _compiled(pattern).fullmatch(name):
            hint = f"the service accepts names that match {pattern}"
            self._problems.add(origin.where(("name",)), f"{quoted(name)} is not a name that a {kind} can have", hint)
        return Address(service, kind, name)

    def _service(self, kind: str, written: Json, origin: Origin) -> str | None:
        environment = self._environment
        if isinstance(written, str):
            if (written, kind) in environment.kinds:
                return written
            if written not in environment.refused:
                self._unoffered(written, kind, origin)
            return None
        if kind not in self._offering:
            self._offering[kind] = environment.services_of(kind)
        offering = self._offering[kind]
        if len(offering) == 1:
            return offering[0]
        if offering:
            message = f"several services offer the kind {quoted(kind)}: {', '.join(offering)}"
            self._problems.add(origin.where(("kind",)), message, "add `service:`, or a default to the environment")
        elif not environment.refused:
            hint = nearest(kind, (offered for _, offered in environment.kinds))
            self._problems.add(origin.where(("kind",)), f"unknown kind {quoted(kind)}", hint)
        return None

    def _unoffered(self, service: str, kind: str, origin: Origin) -> None:
        environment = self._environment
        if service in environment.services:
            message = f"the service {quoted(service)} has no kind {quoted(kind)}"
            hint = nearest(kind, (offered for name, offered in environment.kinds if name == service))
            self._problems.add(origin.where(("kind",)), message, hint)
        else:
            message = f"no service {quoted(service)} in the environment {environment.name}"
            self._problems.add(origin.where(("service",)), message, nearest(service, environment.services))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
