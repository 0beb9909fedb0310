"""From drafts to resources: references replaced, the spec validated, and what it needs found."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import FlextError
from ..model import Deletion, Json, Lifecycle, Path, Resource
from ..references import SCHEMES
from ..spec import sensitive_fields
from .documents import Draft
from .environment import SECRET_HINT
from .findings import validate
from .links import Links
from .pointers import ignores_fields
from .problems import Problems
from .symbols import Expander, Filled, literal_secrets, under_secret_name
from .wording import value_at

_ALL = frozenset(SCHEMES)
_NO_LIFECYCLE = Lifecycle()


def make_resource(draft: Draft, expander: Expander, links: Links, problems: Problems) -> Resource | None:
    """Validate a draft; None when something about it is wrong."""
    if draft.spec is None:
        return None

    def report(path: Path, error: FlextError) -> None:
        problems.add_error(draft.origin.where(("spec", *path)), error)

    filled = expander.fill(draft.spec, draft.marked, _ALL, report)
    written_out = _written_out(draft, filled)
    for path in written_out:
        problems.add(draft.origin.where(("spec", *path)), "a secret is written out here", SECRET_HINT)
    valid = validate(draft.model, filled, ("spec",), draft.origin.where, problems)
    needs = links.needed(draft, filled)
    if written_out or not valid or not draft.valid or not ignores_fields(draft, problems):
        return None
    return Resource(
        address=draft.address,
        spec=draft.model.normalise(filled.symbolic),
        place=draft.origin.place,
        depends_on=needs,
        lifecycle=_lifecycle(draft.header.get("lifecycle")),
        labels=draft.header.get("labels", {}),
    )


def _written_out(draft: Draft, filled: Filled) -> list[Path]:
    sensitive = sensitive_fields(draft.model)
    if not draft.marked and not sensitive:
        return []
    found = {
        path
        for path in draft.marked
        if under_secret_name(path) and path not in filled.unknown and _is_text(value_at(filled.symbolic, path))
    }
    for name in sensitive:
        if name in filled.symbolic and (name,) not in filled.unknown:
            found.update((name, *path) for path in literal_secrets(filled.symbolic[name]))
    return sorted(found)


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and value != ""


def _lifecycle(written: Mapping[str, Json] | None) -> Lifecycle:
    if not written:
        return _NO_LIFECYCLE
    return Lifecycle(
        protect=written.get("protect", False),
        ignore=tuple(written.get("ignore", ())),
        adopt=written.get("adopt", False),
        delete=Deletion(written.get("delete", Deletion.TWO_PHASE)),
    )
