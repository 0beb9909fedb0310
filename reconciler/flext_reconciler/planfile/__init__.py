"""Plans as JSON: the one form that files, `--json` and the ledger's journal share.

plan ─to_json→ document ─dump→ bytes ─save→ FILE ─load_plan→ plan
"""

from __future__ import annotations

from ..model import Json
from .decode import Saved, from_json
from .encode import dump, fingerprint, to_json
from .files import load_plan, load_saved, save

__all__ = ["Saved", "dump", "fingerprint", "from_json", "load_plan", "load_saved", "save", "schema", "to_json"]


def schema() -> dict[str, Json]:
    """Return the JSON Schema (2020-12) of the plan document."""
    from .document import json_schema  # pydantic is slow to import, and few commands need it

    return json_schema()
