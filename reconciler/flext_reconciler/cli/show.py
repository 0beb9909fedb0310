"""`flext show`: a saved plan, in every format, or held against another one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..planfile import to_json
from ..render.words import count
from .exit_codes import ExitCode
from .options import formatted, reporting
from .output import Output
from .review import hold_against
from .saved_plans import FILE, Verification, verifying
from .show_plan import print_plan


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--compare", "reviewed", type=FILE, metavar="PLAN", help="Hold it against a saved plan; 8 when more.")
@verifying
@reporting
@formatted
def command(file: Path, reviewed: Path | None, verification: Verification, form: str, output: Output) -> ExitCode:
    """Show the saved plan FILE; no service is asked.

    \b
    Examples:
      flext show plan.json --format markdown
      flext show now.json --compare reviewed.json
    """
    plan, expires, signers = verification.load(file)
    if reviewed is not None:
        return hold_against(reviewed, plan, form, output)
    if form == "json":
        output.document(to_json(plan, expires=expires))
    else:
        print_plan(plan, form, output)
    if expires is not None and expires <= datetime.now(UTC):
        output.note(f"It expired at {expires.isoformat()} and is no longer applied.")
    if signers:
        output.note(f"Signed with {count(len(signers), 'trusted key')}.")
    return ExitCode.DONE
