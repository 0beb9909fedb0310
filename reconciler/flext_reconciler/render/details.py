"""What happens to one resource, as plain lines: shared by the terminal and by Markdown's fences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from ..errors import Place
from ..model import ABSENT, Action, Change, FieldDiff, Json, Path
from .safe import clean
from .values import show_change, show_path, sign
from .words import count


def detail_lines(change: Change) -> Iterator[str]:
    """Yield the attribute lines of a change, then how many fields stay, then its notes."""
    fields = _new_fields(change) if change.action is Action.CREATE else change.fields
    yield from field_lines(fields)
    same = _unchanged(change)
    if same:
        yield f"({same} unchanged)"
    if change.grace is not None:
        yield f"! only disabled now; pruning in {count(change.grace, 'day')} or later deletes it, unless declared again"
    for note in change.notes:
        yield f"! {clean(note)}"


def field_lines(fields: Iterable[FieldDiff], show: Callable[[FieldDiff], str] = show_change) -> list[str]:
    """Write field differences one a line, values aligned."""
    rows = [(sign(field), show_path(field.path), show(field)) for field in fields]
    width = min(40, max((len(path) for _, path, _ in rows), default=0))
    return [f"{mark} {path:<{width}}  {shown}" for mark, path, shown in rows]


def show_place(place: Place | None) -> str:
    """Write `file:line`, or nothing."""
    return clean(f"{place.file}:{place.line}") if place else ""


def _new_fields(change: Change) -> list[FieldDiff]:
    """List what a create sets; maps and lists are opened once, so that a reviewer reads lines and not JSON."""
    return [
        FieldDiff(path, ABSENT, value)
        for name, whole in sorted((change.desired or {}).items())
        for path, value in _opened(name, whole)
    ]


def _opened(name: str, whole: Json) -> Iterator[tuple[Path, Json]]:
    if isinstance(whole, Mapping) and whole:
        yield from (((name, key), whole[key]) for key in sorted(whole))
    elif isinstance(whole, list) and any(isinstance(item, Mapping) for item in whole):
        yield from (((name, index), item) for index, item in enumerate(whole))
    else:
        yield (name,), whole


def _unchanged(change: Change) -> int:
    if change.action not in (Action.UPDATE, Action.REPLACE):
        return 0
    return len((change.desired or {}).keys() - {step for field in change.fields for step in field.path[:1]})
