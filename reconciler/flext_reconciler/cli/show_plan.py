"""A plan in the format that was asked for: shared by every command that prints one."""

from __future__ import annotations

from ..model import Plan
from ..planfile import fingerprint, to_json
from ..render.markdown import plan_markdown
from ..render.text import plan_text
from .output import Output


def print_plan(plan: Plan, form: str, output: Output, next_step: str = "") -> None:
    """Print a plan to stdout."""
    if form == "json":
        output.document(to_json(plan))
    elif form == "markdown":
        output.text(plan_markdown(plan, fingerprint(plan)))
    else:
        output.text(plan_text(plan, output.out, next_step))
