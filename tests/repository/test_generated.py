"""What is generated is fresh, and every command is documented with an example."""

from __future__ import annotations

import click
import pytest

from flext_reconciler.cli.commands import COMMANDS
from flext_reconciler.cli.main import cli

from .generate import generated
from .source import shown


@pytest.mark.parametrize("path", sorted(generated()), ids=shown)
def test_a_generated_file_is_fresh(path):
    assert path.exists(), "run `make docs`"
    assert path.read_text(encoding="utf-8") == generated()[path], "run `make docs`"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_shows_an_example(name):
    command = cli.get_command(click.Context(cli), name)
    assert f"flext {name}" in (command.help or "")
