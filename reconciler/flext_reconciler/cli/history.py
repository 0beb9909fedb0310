"""`flext history`: who applied what when, and how it ended."""

from __future__ import annotations

import click

from ..errors import FlextError, PlanFileError
from ..ledger import LeaseState, Ledger, Run
from ..model import Plan
from ..render.history import history_document, history_text, run_document, run_text
from ..render.safe import clean
from .options import Location, located_by_option, reporting
from .output import Output
from .platform import open_remembered
from .resume import not_taken_back


@click.command()
@click.argument("run", type=click.IntRange(min=1), required=False, metavar="[RUN]")
@located_by_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List no more runs than this.")
@reporting
def command(run: int | None, location: Location, limit: int, output: Output) -> None:
    """List the latest runs, or tell everything about one: who, when, which revision, what changed, and its plan.

    \b
    Examples:
      flext history -e prod
      flext history 12 --json
    """
    with open_remembered(location) as ledger:
        for text in not_taken_back(ledger):
            output.note(text)
        if run is None:
            _list(ledger, ledger.history(limit), output)
        else:
            _tell(ledger, _find(ledger, run), output)


def _list(ledger: Ledger, runs: tuple[Run, ...], output: Output) -> None:
    if output.json:
        output.document(history_document(ledger.environment, runs))
    else:
        output.text(history_text(runs, output.out, under_way=_under_way(ledger)))


def _tell(ledger: Ledger, run: Run, output: Output) -> None:
    plan = _plan(ledger, run, output)
    if output.json:
        output.document(run_document(ledger.environment, run, plan))
    else:
        output.text(run_text(run, plan, output.out, under_way=_under_way(ledger)))


def _find(ledger: Ledger, id: int) -> Run:
    run = ledger.run(id)
    if run is None:
        raise FlextError(f"no run {id} in {ledger.environment}", hint="`flext history` lists the latest runs.")
    return run


def _plan(ledger: Ledger, run: Run, output: Output) -> Plan | None:
    try:
        return ledger.plan_of(run.id)
    except PlanFileError as error:  # kept by a flext of another format; everything else can still be told
        output.note(f"Its plan cannot be shown: {clean(error.message)}")
        return None


def _under_way(ledger: Ledger) -> bool:
    lease = ledger.lease()
    return lease is not None and lease.state is LeaseState.HELD
