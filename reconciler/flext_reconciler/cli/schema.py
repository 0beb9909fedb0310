"""`flext schema`: the JSON Schema of what users write, for editors and for checks outside flext."""

from __future__ import annotations

import click

from .. import planfile
from ..errors import UsageError
from ..model import Json
from ..registry import load_providers
from ..schema import document_schema, environment_schema, kind_schema
from .options import reporting
from .output import Output
from .platform import Catalog, catalog_of


@click.command()
@click.option("--kind", help="The schema of this kind's `spec`, as KIND or PROVIDER.KIND.")
@click.option("--environment-file", is_flag=True, help="The schema of an environment file.")
@click.option("--plan", "plan", is_flag=True, help="The schema of a saved plan.")
@reporting
def command(kind: str | None, environment_file: bool, plan: bool, output: Output) -> None:
    """Print the JSON Schema (2020-12) of a resource document, with every installed kind.

    \b
    Examples:
      flext schema > resource.schema.json
      flext schema --kind pipeline
      flext schema --environment-file
    """
    if sum((kind is not None, environment_file, plan)) > 1:
        raise UsageError("--kind, --environment-file and --plan exclude each other")
    output.document(_schema(kind, environment_file, plan))


def _schema(kind: str | None, environment_file: bool, plan: bool) -> Json:
    if plan:
        return planfile.schema()
    if environment_file:
        return environment_schema()
    catalog = catalog_of(load_providers())
    return document_schema(catalog) if kind is None else _of_kind(kind, catalog)


def _of_kind(kind: str, catalog: Catalog) -> Json:
    offered = {f"{provider}.{name}": spec for provider, kinds in catalog.items() for name, spec in kinds.items()}
    meant = [name for name in offered if kind in (name, name.rpartition(".")[2])]
    if not meant:
        raise UsageError(f"no installed provider has the kind {kind!r}", hint=f"There are {', '.join(offered)}.")
    if len(meant) > 1:
        raise UsageError(f"several providers have the kind {kind!r}", hint=f"Choose one of {', '.join(meant)}.")
    return kind_schema(meant[0], offered[meant[0]])
