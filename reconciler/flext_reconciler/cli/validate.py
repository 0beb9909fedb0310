"""`flext validate`: everything that can be known about the desired state without asking a service."""

from __future__ import annotations

from collections import Counter
from time import perf_counter

import click

from ..model import Declaration, Json
from ..registry import load_providers
from ..render.documents import FORMAT_VERSION
from ..render.safe import clean
from ..render.words import count
from .options import Location, located, reporting
from .output import Output
from .platform import catalog_of, check


@click.command()
@located
@reporting
def command(location: Location, output: Output) -> None:
    """Check the desired state at PATH without asking any service.

    All problems are listed at once, each with file:line:column.

    \b
    Example:
      flext validate -e prod
    """
    started = perf_counter()
    declaration = check(location, catalog_of(load_providers()))
    seconds = perf_counter() - started
    if output.json:
        output.document(_document(declaration))
    else:
        output.text(output.out.fit(_sentence(declaration, seconds)))


def _kinds(declaration: Declaration) -> dict[str, int]:
    counted = Counter(f"{item.address.service}.{item.address.kind}" for item in declaration.resources)
    return dict(sorted(counted.items()))


def _document(declaration: Declaration) -> Json:
    return {
        "format_version": FORMAT_VERSION,
        "environment": declaration.environment,
        "valid": True,
        "resources": len(declaration.resources),
        "kinds": _kinds(declaration),
        "services": sorted(declaration.services),
    }


def _sentence(declaration: Declaration, seconds: float) -> str:
    lines = [f"  {number:>6,}  {clean(kind)}" for kind, number in _kinds(declaration).items()]
    total = count(len(declaration.resources), "resource")
    services = count(len(declaration.services), "service")
    summary = f"Valid: {total} in {clean(declaration.environment)}, on {services} · {seconds:.2f} s"
    return "\n".join([*lines, summary]) + "\n"
