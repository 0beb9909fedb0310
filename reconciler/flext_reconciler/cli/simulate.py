"""`flext plan --simulate`: the plan carried out where it does no harm, with one request going wrong if wished."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..provider import Provider
from .exit_codes import ExitCode
from .interruption import run_looking
from .options import Command, Location
from .output import Output
from .pipeline import Wishes, look, require_declared
from .platform import open_platform
from .saved_plans import Saving

if TYPE_CHECKING:
    from ..simulate import FailAt


_STEP = re.compile(r"[1-9][0-9]{0,7}")


@dataclass(frozen=True)
class Simulation:
    """Whether a plan is to be simulated, and what is to go wrong."""

    wanted: bool = False
    fail_at: tuple[int, str] | None = None  # a write request, counted from 1, and the fault that strikes it


class FailAtType(click.ParamType[tuple[int, str]]):
    """`STEP:FAULT` on the command line; the fault may be written with dashes."""

    name = "step:fault"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, str]:
        """Read a step and a fault, or say what they look like."""
        if isinstance(value, tuple):
            return value
        step, _, fault = str(value).partition(":")
        if not (fault and _STEP.fullmatch(step)):
            self.fail(f"{value!r} is not a step and a fault; write for example 3:lost-reply", param, ctx)
        return int(step), fault.replace("-", "_")


def simulating(command: Command) -> Command:
    """Add `--simulate` and `--fail-at`; the command gets `simulation`."""

    @click.option("--simulate", is_flag=True, help="Carry the plan out on embedded services that hold what was read.")
    @click.option(
        "--fail-at", type=FailAtType(), metavar="STEP:FAULT",
        help="Let the simulated write request of this number go wrong: 3:lost-reply, 2:killed.",
    )  # fmt: skip
    @functools.wraps(command)
    def wrapped(*args: Any, simulate: bool, fail_at: tuple[int, str] | None, **options: Any) -> Any:
        return command(*args, simulation=Simulation(simulate or fail_at is not None, fail_at), **options)

    return wrapped


def show_simulated(
    location: Location, wishes: Wishes, simulation: Simulation, saving: Saving, form: str, output: Output
) -> ExitCode:
    """Plan, carry the plan out on embedded services, and show how that went."""
    from ..render.simulation import simulation_document, simulation_markdown, simulation_text
    from ..simulate import rehearse

    with open_platform(location) as platform, output.watching() as observer:
        require_declared(wishes.options, platform.declaration)
        fail_at = _known(simulation, platform.providers)
        made = run_looking(look(platform, wishes, observer))
        saving.save(made.plan)
        shown = rehearse(
            made.plan, made.inputs, platform.providers, platform.fingerprinter, lambda event: None, fail_at
        )
    if form == "json":
        output.document(simulation_document(shown))
    elif form == "markdown":
        output.text(simulation_markdown(shown))
    else:
        output.text(simulation_text(shown, output.out))
    return ExitCode.DONE if shown.converges else ExitCode.NOT_CONVERGED


def _known(simulation: Simulation, providers: Mapping[str, Provider]) -> FailAt | None:
    """Return the fault that was asked for, or say that no service has it."""
    from ..simulate import KILLED, FailAt

    if simulation.fail_at is None:
        return None
    chosen = FailAt(*simulation.fail_at)
    if chosen.fault not in {KILLED, *_faults(providers.values())}:
        raise UsageError(
            f"--fail-at: there is no fault {chosen.fault}",
            hint=f"`flext sandbox --list-faults` lists them; `{KILLED}` ends flext itself.",
        )
    return chosen


def _faults(providers: Iterable[Provider]) -> set[str]:
    from ..sandbox import GENERIC_FAULTS

    own = (provider.embedded.faults for provider in providers if provider.embedded is not None)
    return {name for faults in (GENERIC_FAULTS, *own) for name in faults}
