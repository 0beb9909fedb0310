"""The command surface: every command is listed, loads, shows an example and shares the same options."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.shell_completion import BashComplete

from flext_reconciler.cli.commands import COMMANDS
from flext_reconciler.cli.main import cli

HEAVY = {
    "asyncio",
    "deepdiff",
    "flext_providers",
    "flext_reconciler.errors",
    "flext_reconciler.model",
    "httpx",
    "orjson",
    "pydantic",
    "rich",
    "sqlite3",
    "starlette",
    "uvicorn",
    "yaml",
}


def command(name):
    first, _, inner = name.partition(" ")
    found = import_module(f"flext_reconciler.cli.{first}").command
    return found.commands[inner] if inner else found


def leaves():
    """Every command that does something, as it is typed."""
    for name in COMMANDS:
        found = command(name)
        yield from (f"{name} {inner}" for inner in found.commands) if isinstance(found, click.Group) else (name,)


LEAVES = tuple(leaves())


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_first_impression_imports_nothing_heavy(option):
    program = (
        "import sys\nfrom flext_reconciler.cli.main import run\n"
        f"code = run([{option!r}])\nprint(*sys.modules, file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "flext" in done.stdout
    assert not HEAVY & set(done.stderr.split())


def test_help_lists_every_command_with_its_summary():
    shown = " ".join(cli.get_help(click.Context(cli, info_name="flext")).split())
    assert all(f"{name} {summary}" in shown for name, summary in COMMANDS.items())


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_has_help_with_an_example(name):
    context = click.Context(command(name), info_name=f"flext {name}")
    shown = context.command.get_help(context)
    assert f"flext {name}" in shown.partition("\n\n")[2]
    assert all(parameter.help for parameter in context.command.params if isinstance(parameter, click.Option))


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_can_be_asked_for_json_color_and_a_traceback(name):
    options = {option for parameter in command(name).params for option in parameter.opts}
    assert {"--json", "--color", "--debug"} <= options


@pytest.mark.parametrize(
    "name",
    ["validate", "plan", "apply", "drift", "export", "status", "history", "unlock"]
    + [name for name in LEAVES if name.startswith(("ledger ", "lock "))],
)
def test_every_command_that_needs_a_platform_takes_an_environment(name):
    (option,) = [parameter for parameter in command(name).params if "--environment" in parameter.opts]
    assert option.envvar == "FLEXT_ENVIRONMENT"
    assert "-e" in option.opts


def test_the_limits_each_have_a_flag_of_their_own():
    options = {option for parameter in command("apply").params for option in parameter.opts}
    assert {"--max-deletes", "--max-delete-share", "--allow-empty"} <= options
    assert "--force" not in options


def test_environment_names_are_completed_from_files(tmp_path, monkeypatch):
    (tmp_path / "desired-state" / "environments").mkdir(parents=True)
    for name in ("dev", "demo", "prod"):
        (tmp_path / "desired-state" / "environments" / f"{name}.yaml").write_text("not: read", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    completer = BashComplete(cli, {}, "flext", "_FLEXT_COMPLETE")
    assert [item.value for item in completer.get_completions(["plan", "-e"], "d")] == ["demo", "dev"]
    assert [item.value for item in completer.get_completions([], "va")] == ["validate"]
