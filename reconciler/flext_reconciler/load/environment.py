"""Environment files: which services there are, and what differs from one environment to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from ..errors import FlextError, Place
from ..model import Address, Json, Path, Risk, Service
from ..references import SECRET, Sources, parse
from ..spec import Spec
from .entries import EnvironmentEntry
from .files import ENVIRONMENTS, SUFFIXES, Tree
from .findings import validate
from .ledger_url import read_ledger
from .locate import Target
from .problems import Problems, Source, Spot
from .services import Catalog, check_credentials, known_url, make_services
from .sources import read_source
from .symbols import Expander, Filled, under_secret_name
from .wording import nearest, quoted, value_at

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SERVICE_SCHEMES = frozenset({"env", "file", "var"})
SECRET_HINT = "write a reference, e.g. ${env:NAME}"  # noqa: S105 - advice, not a password


@dataclass(frozen=True)
class Environment:
    """What an environment file says, validated."""

    name: str
    services: Mapping[str, Service]
    sources: Sources
    kinds: Mapping[tuple[str, str], type[Spec]]  # (service, kind) → its Spec
    defaults: Mapping[str, str] = field(default_factory=dict)  # kind → service
    patches: Mapping[Address, Mapping[str, Json]] = field(default_factory=dict)
    spot: Spot | None = field(default=None, repr=False)  # of the file, for problems with a patch
    refused: frozenset[str] = frozenset()  # services that were written and make no sense
    ledger: str = ""  # the URL of a shared ledger as written, see `ledger_url`
    require_signers: Mapping[Risk, int] = field(default_factory=dict)  # of a plan, by its risk

    def services_of(self, kind: str) -> list[str]:
        """Return the services that offer a kind, the default one alone when the environment names it."""
        default = self.defaults.get(kind)
        offering = sorted(service for service, offered in self.kinds if offered == kind)
        return [default] if default in offering else offering


def load_environment(root: FilePath, name: str | None, catalog: Catalog, *, environ: Mapping[str, str]) -> Environment:
    """Read one environment of a desired-state directory; without a name, the only one. Raises DesiredStateError."""
    problems = Problems()
    environment = read_environment(Tree.at(root), name, catalog, environ, problems)
    if environment is not None:
        check_credentials(environment.services, frozenset(), environ, problems)
    problems.raise_all()
    assert environment is not None
    return environment


def read_environment(
    tree: Tree, name: str | None, catalog: Catalog, environ: Mapping[str, str], problems: Problems
) -> Environment | None:
    """Read an environment as far as it makes sense; None when nothing can be said about its services."""
    chosen = _choose(tree, name, problems)
    source = read_source(tree, chosen, problems) if chosen is not None else None
    if chosen is None or source is None:
        return None
    spot = _only_document(source, tree.place(chosen), problems)
    if spot is None:
        return None
    value, marks = source.documents[spot.target.document].value, source.documents[spot.target.document].marked
    variables = value.get("vars")
    sources = Sources(tree.root, environ, variables if isinstance(variables, dict) else {})
    _check_variables(sources.vars, spot, marks, problems)
    filled = _fill_services(value, marks, sources, spot, problems)
    validate(EnvironmentEntry, filled, (), lambda path, key: spot.at(*path, key=key), problems)
    if not isinstance(filled.symbolic.get("services"), dict):
        return None
    services = make_services(filled, tree, catalog, spot.at("services"), problems)
    environment = _assembled(FilePath(chosen).stem, filled.symbolic, services, sources, catalog, spot, problems)
    ledger = read_ledger(value.get("ledger"), spot, sources, environ, problems)
    return replace(environment, ledger=ledger, require_signers=_signers(value.get("policy")))


def _choose(tree: Tree, name: str | None, problems: Problems) -> str | None:
    known = _environment_files(tree)
    place = tree.place(ENVIRONMENTS)
    if not known:
        problems.add(place, "no environment file here", "`flext init` writes one")
    elif name is not None and (name not in known or not _NAME.fullmatch(name)):
        problems.add(place, f"no environment {quoted(name)}", f"there are {', '.join(sorted(known))}")
    elif name is None and len(known) > 1:
        problems.add(place, "several environments", f"choose one with -e: {', '.join(sorted(known))}")
    else:
        return f"{ENVIRONMENTS}/{known[name] if name is not None else next(iter(known.values()))}"
    return None


def _environment_files(tree: Tree) -> dict[str, str]:
    try:
        files = sorted((tree.root / ENVIRONMENTS).iterdir())
    except OSError:
        return {}
    return {file.stem: file.name for file in files if file.suffix in SUFFIXES and _NAME.fullmatch(file.stem)}


def _only_document(source: Source, place: Place, problems: Problems) -> Spot | None:
    held = [number for number, document in enumerate(source.documents) if document.value is not None]
    if len(held) != 1:
        problems.add(place, "an environment file holds one document", "`flext init` writes an example")
        return None
    if not isinstance(source.documents[held[0]].value, dict):
        problems.add(source.place(held[0]), "an environment must be a mapping with the key `services`")
        return None
    return Spot(source, Target(held[0], ()))


def _check_variables(variables: Mapping[str, Json], spot: Spot, marks: tuple[Path, ...], problems: Problems) -> None:
    for path in marks:
        if path[0] != "vars" or len(path) < 2:
            continue
        text = value_at(variables, path[1:])
        try:
            parts = parse(text, SECRET)
        except FlextError as error:
            problems.add_error(spot.at(*path), error)
        else:
            if under_secret_name(path) and text and all(isinstance(part, str) for part in parts):
                problems.add(spot.at(*path), "a secret is written out here", SECRET_HINT)


def _fill_services(
    value: dict[str, Json], marks: tuple[Path, ...], sources: Sources, spot: Spot, problems: Problems
) -> Filled:
    paths = [path for path in marks if path[0] == "services"]
    filled = Expander(sources, lambda _: "").fill(
        value,
        paths,
        _SERVICE_SCHEMES,
        lambda path, error: problems.add_error(spot.at(*path), error),
    )
    for path in paths:
        if under_secret_name(path) and path not in filled.secret | filled.unknown and value_at(filled.real, path):
            problems.add(spot.at(*path), "a secret is written out here", SECRET_HINT)
    for path in sorted(filled.secret):
        if len(path) < 3 or path[2] not in ("token", "headers", "settings"):
            problems.add(spot.at(*path), "a secret cannot stand here", "possible under token, headers and settings")
    return filled


def _assembled(
    name: str,
    value: dict[str, Json],
    services: Mapping[str, Service],
    sources: Sources,
    catalog: Catalog,
    spot: Spot,
    problems: Problems,
) -> Environment:
    offered = {
        service.name: {"url": known_url(service), "name": service.name, "timeout": service.timeout}
        for service in services.values()
    }
    kinds = {
        (service.name, kind): spec
        for service in services.values()
        for kind, spec in catalog.get(service.provider, {}).items()
    }
    return Environment(
        name=name,
        services=services,
        sources=Sources(sources.root, sources.environ, sources.vars, offered),
        kinds=kinds,
        defaults=_defaults(value.get("defaults"), kinds, spot, problems),
        patches=_patches(value.get("patches"), spot, problems),
        spot=spot,
        refused=frozenset(value["services"]) - frozenset(services),
    )


def _defaults(
    written: Json, kinds: Mapping[tuple[str, str], type[Spec]], spot: Spot, problems: Problems
) -> dict[str, str]:
    items = written.items() if isinstance(written, dict) else ()
    defaults = {kind: service for kind, service in items if isinstance(service, str)}
    for kind, service in defaults.items():
        if (service, kind) not in kinds:
            offering = [offering for offering, offered in kinds if offered == kind]
            message = f"no service {quoted(service)} of this environment offers the kind {quoted(kind)}"
            problems.add(spot.at("defaults", kind), message, nearest(service, offering))
    return defaults


def _signers(policy: Json) -> dict[Risk, int]:
    written = policy.get("require_signers") if isinstance(policy, dict) else None
    wanted = written if isinstance(written, dict) else {}
    return {risk: wanted[risk] for risk in Risk if isinstance(wanted.get(risk), int)}


def _patches(written: Json, spot: Spot, problems: Problems) -> dict[Address, Mapping[str, Json]]:
    patches: dict[Address, Mapping[str, Json]] = {}
    for text, patch in written.items() if isinstance(written, dict) else ():
        try:
            patches[Address.parse(text)] = patch if isinstance(patch, dict) else {}
        except ValueError:
            message = f"{quoted(text)} is not an address"
            problems.add(spot.at("patches", text, key=True), message, "write service.kind/name")
    return patches
