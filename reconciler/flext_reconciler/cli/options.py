"""Option bundles: decorators that turn a group of options into one value, the same for every command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..errors import UsageError
from ..guard import Limits
from ..model import Address
from ..plan import PlanOptions
from .output import output_of

Command = Callable[..., Any]

DEFAULT_ROOT = Path("desired-state")


@dataclass(frozen=True)
class Location:
    """Which desired state, in which environment."""

    path: Path
    environment: str | None


def was_given(*names: str) -> bool:
    """Tell whether one of these parameters stands on the command line that is running."""
    source = click.get_current_context().get_parameter_source
    return any(source(name) is click.core.ParameterSource.COMMANDLINE for name in names)


class AddressType(click.ParamType[Address]):
    """A `service.kind/name` on the command line."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:
        """Read an address, or say what one looks like."""
        try:
            return value if isinstance(value, Address) else Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


ADDRESS = AddressType()


def reporting(command: Command) -> Command:
    """Add `--json`, `--color` and `--debug`; the command gets `output`."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, errors included.")
    @click.option(
        "--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True,
        help="Colour; NO_COLOR and FORCE_COLOR are respected.",
    )  # fmt: skip
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, color: Any, debug: bool, **options: Any) -> Any:
        return command(*args, output=output_of(as_json=as_json, color=color), **options)

    return wrapped


def located(command: Command) -> Command:
    """Add the PATH argument and `-e`; the command gets `location`."""
    argument = click.argument("path", type=click.Path(path_type=Path), default=DEFAULT_ROOT, metavar="[PATH]")
    return argument(_environment(command))


def located_by_option(command: Command) -> Command:
    """Add `--desired-state` and `-e`, for commands whose arguments are something else."""
    option = click.option(
        "--desired-state", "path", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True,
        help="Where the desired state is.",
    )  # fmt: skip
    return option(_environment(command))


def _environment(command: Command) -> Command:
    @click.option(
        "-e", "--environment", envvar="FLEXT_ENVIRONMENT", show_envvar=True, shell_complete=_complete_environment,
        help="The name of a file in environments/; needed when there are several.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, path: Path, environment: str | None, **options: Any) -> Any:
        return command(*args, location=Location(path, environment or None), **options)

    return wrapped


def _complete_environment(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """List the environment files: local, and without reading them."""
    root = ctx.params.get("path") or DEFAULT_ROOT
    names = sorted(file.stem for file in (Path(root) / "environments").glob("*.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def planning(command: Command) -> Command:
    """Add what a plan may contain; the command gets `options`."""

    @click.option("--target", type=ADDRESS, multiple=True, help="Plan only this address and what it depends on.")
    @click.option("--prune", is_flag=True, help="Remove what is ours and no longer declared.")
    @click.option("--purge-now", is_flag=True, help="Prune for good at once, whatever could be disabled first.")
    @click.option(
        "--tombstone-days", type=click.IntRange(0, 3650), default=PlanOptions().tombstone_days, show_default=True,
        metavar="DAYS", help="What pruning disables is deleted by a plan so many days later; 0 disables nothing first. "
        "What is disabled already keeps its day, unless --purge-now.",
    )  # fmt: skip
    @click.option("--adopt", is_flag=True, help="Take over what exists and is not ours.")
    @click.option("--force-replace", type=ADDRESS, multiple=True, help="Replace this address in any case.")
    @functools.wraps(command)
    def wrapped(*args: Any, target: Any, prune: bool, adopt: bool, force_replace: Any, **options: Any) -> Any:
        purge, days = options.pop("purge_now"), options.pop("tombstone_days")
        if purge and not prune:
            raise UsageError("--purge-now says how to prune", hint="Add --prune.")
        chosen = PlanOptions(
            prune,
            adopt,
            force_replace=frozenset(force_replace),
            targets=frozenset(target),
            purge=purge,
            tombstone_days=days,
        )
        return command(*args, options=chosen, **options)

    return wrapped


def limited(command: Command) -> Command:
    """Add the limits of the guards; the command gets `limits`."""

    @click.option(
        "--max-deletes", type=click.IntRange(min=0), default=Limits().max_deletes, show_default=True,
        help="Refuse to disable or delete more than this.",
    )  # fmt: skip
    @click.option(
        "--max-delete-share", type=click.FloatRange(0, 100), default=30, show_default=True, metavar="PERCENT",
        help="Refuse to disable or delete a larger share of any kind.",
    )  # fmt: skip
    @click.option("--allow-empty", is_flag=True, help="Allow a desired state that declares nothing.")
    @functools.wraps(command)
    def wrapped(*args: Any, max_deletes: int, max_delete_share: float, allow_empty: bool, **options: Any) -> Any:
        return command(*args, limits=Limits(max_deletes, max_delete_share / 100, allow_empty), **options)

    return wrapped


FORMATS = ("text", "json", "markdown")


def formatted(command: Command) -> Command:
    """Add `--format`; `--json` is short for `--format json`. The command gets `form`."""

    @click.option("--format", "form", type=click.Choice(FORMATS), help="How to print the plan.  [default: text]")
    @functools.wraps(command)
    def wrapped(*args: Any, form: str | None, output: Any, **options: Any) -> Any:
        if output.json and form not in (None, "json"):
            raise UsageError(f"--json and --format {form} exclude each other")
        return command(*args, form=form or ("json" if output.json else "text"), output=output, **options)

    return wrapped
