"""Loads a desired state: the whole way from files to a declaration, with every problem reported at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import NamedTuple

from ..collector import collector_paused
from ..model import Address, Declaration, Resource, holds_secret
from ..references import Fingerprinter, Sources
from .documents import Drafter
from .environment import Environment, read_environment
from .files import Tree
from .links import Links, report_cycles
from .problems import Problems, Source
from .resources import make_resource
from .services import ALLOWED_ORIGINS, Catalog, check_credentials
from .sources import read_sources
from .symbols import Expander
from .wording import nearest, quoted


class Loaded(NamedTuple):
    """A validated declaration, and where its references find their values."""

    declaration: Declaration
    sources: Sources


def load(
    root: FilePath,
    name: str | None,
    catalog: Catalog,
    *,
    environ: Mapping[str, str],
    fingerprinter: Fingerprinter,
    cache: FilePath | None = None,
) -> Loaded:
    """Read a desired state for one environment; raises DesiredStateError with everything that is wrong.

    `root` is the directory, or a single YAML file inside one. `cache` is a private directory that remembers parsed
    files. Nothing is requested from any service.
    """
    with collector_paused():
        problems = Problems()
        tree = Tree.at(root)
        environment = read_environment(tree, name, catalog, environ, problems)
        sources = read_sources(tree, cache, problems)
        resources: tuple[Resource, ...] = ()
        if environment is not None:
            resources = _declare(sources, environment, tree, fingerprinter, problems)
            _check_origins(environment, resources, environ, problems)
        problems.raise_all()
        assert environment is not None
        declaration = Declaration(environment.name, environment.services, resources, root=tree.show(""))
        return Loaded(declaration, environment.sources)


def _declare(
    sources: list[Source], environment: Environment, tree: Tree, fingerprinter: Fingerprinter, problems: Problems
) -> tuple[Resource, ...]:
    drafter = Drafter(environment, Expander(environment.sources, fingerprinter.of), problems)
    for source in sources:
        drafter.read(source)
    if tree.only is None and drafter.complete:
        _check_patches(environment, drafter.drafts, problems)
    links = Links(drafter.drafts, environment.kinds, problems)
    expander = Expander(environment.sources, fingerprinter.of, links.deferred)
    made = (make_resource(draft, expander, links, problems) for _, draft in sorted(drafter.drafts.items()))
    resources = tuple(resource for resource in made if resource is not None)
    report_cycles({item.address: item.depends_on for item in resources}, drafter.drafts, problems)
    return resources


def _check_patches(environment: Environment, declared: Collection[Address], problems: Problems) -> None:
    for address in environment.patches:
        if address not in declared and environment.spot is not None:
            spot = environment.spot.at("patches", str(address), key=True)
            message = f"this patches {quoted(str(address))}, which is not declared"
            problems.add(spot, message, nearest(str(address), map(str, declared)))


def _check_origins(
    environment: Environment, resources: tuple[Resource, ...], environ: Mapping[str, str], problems: Problems
) -> None:
    if ALLOWED_ORIGINS in environ:
        secretive = {item.address.service for item in resources if holds_secret(item.spec)}
        check_credentials(environment.services, frozenset(secretive), environ, problems)
