"""Write the generated pages and schemas; `make docs` calls it, and a test compares what it would write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from flext_reconciler.cli.main import cli
from flext_reconciler.planfile import schema as plan_schema
from flext_reconciler.registry import load_providers
from flext_reconciler.schema import document_schema, environment_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"

_HEAD = """\
# Commands

Written by `make docs` from the program itself.

"""


def generated() -> Mapping[Path, str]:
    """Every generated file and what it should hold."""
    catalog = {name: provider.kinds for name, provider in load_providers().items()}
    return {
        DOCS / "commands.md": _HEAD + "\n".join(_sections()),
        DOCS / "schema" / "desired-state.json": _pretty(document_schema(catalog)),
        DOCS / "schema" / "environment.json": _pretty(environment_schema()),
        DOCS / "schema" / "plan.json": _pretty(plan_schema()),
    }


def _sections() -> Iterator[str]:
    top = click.Context(cli, info_name="flext", max_content_width=100)
    yield _section("flext", cli.get_help(top))
    yield from _commands(cli, top)


def _commands(group: click.Group, parent: click.Context) -> Iterator[str]:
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=parent, max_content_width=100)
        yield _section(context.command_path, command.get_help(context))
        if isinstance(command, click.Group):
            yield from _commands(command, context)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n```text\n{text.rstrip()}\n```\n"


def _pretty(schema: object) -> str:
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> None:
    """Write what differs."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
