"""Two plans held against each other: the one that was reviewed, and the one that would be made now.

Pure. A change is the same when it does the same to the same object: what it wants, what it changes and, where
something is lost, what is lost. Where it is declared, why it is proposed and what else moved does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..errors import PlanFileError
from ..model import ABSENT, Action, Address, Change, FieldDiff, Json, Plan, Secret, canonical

_OTHER_LEDGER = "the plans were made with different ledgers, so what moved cannot be told"
_UNKNOWN = "the ledger of this plan does not know it"

_LOSES = frozenset({Action.REPLACE, Action.DELETE})


class Verdict(StrEnum):
    """How what would be done now stands to what was reviewed."""

    EQUAL = "equal"
    SUBSET = "subset"  # nothing but what was reviewed, and not all of it
    DIFFERENT = "different"


class Side(StrEnum):
    """Which of the two plans has a change."""

    REVIEWED = "reviewed"
    NOW = "now"
    BOTH = "both"  # and the two differ


class Cause(StrEnum):
    """What moved between the two plans."""

    DECLARATION = "declaration"
    ACTUAL = "actual"
    BOTH = "both"
    OTHER = "other"  # the options, the ledger, or what another resource needs


@dataclass(frozen=True, slots=True)
class Difference:
    """One change that is not the same in both plans."""

    address: Address
    side: Side
    cause: Cause
    message: str
    reviewed: Action | None = None
    now: Action | None = None
    fields: tuple[FieldDiff, ...] = ()  # reviewed → now, of what is wanted or of what was read; the note says which


@dataclass(frozen=True, slots=True)
class Comparison:
    """What comparing two plans found, sorted by address."""

    verdict: Verdict
    differences: tuple[Difference, ...] = ()
    services: tuple[str, ...] = ()  # whose origins are not the same
    notices: tuple[str, ...] = ()


def compare(reviewed: Plan, now: Plan) -> Comparison:
    """Say whether what would be done now was reviewed; raises PlanFileError for plans of two environments."""
    if reviewed.environment != now.environment:
        raise PlanFileError(
            f"one plan is of the environment {reviewed.environment!r}, the other of {now.environment!r}",
            hint="Compare plans of one environment.",
        )
    one_key = _of_one_ledger(reviewed, now)
    differences = tuple(_differences(reviewed, now, _image if one_key else _without_fingerprints))
    services = tuple(sorted(name for name, _ in set(reviewed.services.items()) ^ set(now.services.items())))
    return Comparison(_verdict(differences, services), differences, tuple(dict.fromkeys(services)), _notices(one_key))


def _verdict(differences: tuple[Difference, ...], services: tuple[str, ...]) -> Verdict:
    if services or any(difference.side is not Side.REVIEWED for difference in differences):
        return Verdict.DIFFERENT
    return Verdict.SUBSET if differences else Verdict.EQUAL


def _notices(one_key: bool) -> tuple[str, ...]:
    if one_key:
        return ()
    return ("the plans were made with different ledgers, so secrets are compared by their references alone",)


def _differences(reviewed: Plan, now: Plan, image: Image) -> Iterator[Difference]:
    before = {change.address: change for change in reviewed.changes}
    after = {change.address: change for change in now.changes}
    for address in sorted(before.keys() | after.keys()):
        was, is_now = before.get(address), after.get(address)
        if was is not None and is_now is not None:
            if _meaning(was, image) != _meaning(is_now, image):
                yield _changed(was, is_now, image)
        elif was is not None:
            yield _gone(was, reviewed, now)
        elif is_now is not None:
            yield _come(is_now, reviewed, now)


# ------------------------------------------------------------------------------------------------ in one plan only


def _gone(change: Change, reviewed: Plan, now: Plan) -> Difference:
    address = change.address
    blocked = {item.address: item.message for item in now.blocked}
    if address in blocked:
        cause, message = Cause.OTHER, f"blocked now: {blocked[address]}"
    elif _has_moved(address, reviewed, now):
        cause, message = Cause.ACTUAL, "the object moved, and is as wanted now"
    elif not now.complete or address in now.prunable:
        cause, message = Cause.OTHER, "the options of the plan leave it out"
    elif not _of_one_ledger(reviewed, now):
        cause, message = Cause.OTHER, _OTHER_LEDGER
    else:
        cause, message = Cause.DECLARATION, "the declaration no longer asks for it"
    return Difference(address, Side.REVIEWED, cause, message, reviewed=change.action)


def _come(change: Change, reviewed: Plan, now: Plan) -> Difference:
    address = change.address
    blocked = {item.address: item.message for item in reviewed.blocked}
    if address in blocked:
        cause, message = Cause.OTHER, f"blocked when it was reviewed: {blocked[address]}"
    elif _has_moved(address, reviewed, now):
        cause, message = Cause.ACTUAL, "the object moved since the review"
    elif not reviewed.complete or address in reviewed.prunable:
        cause, message = Cause.OTHER, "the options of the reviewed plan left it out"
    elif not _of_one_ledger(reviewed, now):
        cause, message = Cause.OTHER, _UNKNOWN if change.action is Action.ADOPT else _OTHER_LEDGER
    else:
        cause, message = Cause.DECLARATION, "the declaration asks for it since the review"
    return Difference(address, Side.NOW, cause, message, now=change.action)


def _has_moved(address: Address, reviewed: Plan, now: Plan) -> bool:
    """Tell what fingerprints tell; those of two ledgers differ wherever a secret is."""
    return _of_one_ledger(reviewed, now) and reviewed.objects.get(address) != now.objects.get(address)


def _of_one_ledger(reviewed: Plan, now: Plan) -> bool:
    return reviewed.lineage == now.lineage


# ------------------------------------------------------------------------------------------------ in both


def _changed(was: Change, is_now: Change, image: Image) -> Difference:
    wanted = tuple(_moved(was.desired, is_now.desired, "wanted", image))
    read = tuple(_moved(was.actual, is_now.actual, "read", image))
    actual = bool(read) or was.id != is_now.id
    cause, message = _why(bool(wanted), actual)
    return Difference(
        was.address, Side.BOTH, cause, message, reviewed=was.action, now=is_now.action, fields=(*wanted, *read)
    )


def _why(declaration: bool, actual: bool) -> tuple[Cause, str]:
    if declaration and actual:
        return Cause.BOTH, "the declaration and the object moved since the review"
    if declaration:
        return Cause.DECLARATION, "the declaration moved since the review"
    if actual:
        return Cause.ACTUAL, "the object moved since the review"
    return Cause.OTHER, "the options, the ledger or what it depends on differ"


def _moved(
    was: Mapping[str, Json] | None, is_now: Mapping[str, Json] | None, note: str, image: Image
) -> Iterator[FieldDiff]:
    left, right = was or {}, is_now or {}
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name, ABSENT), right.get(name, ABSENT)
        if (before is ABSENT) is not (after is ABSENT) or image(before) != image(after):
            yield FieldDiff((name,), before, after, note=note)


def _meaning(change: Change, image: Image) -> tuple[object, ...]:
    fields = [(field.path, image(field.before), image(field.after), field.effect) for field in change.fields]
    lost = image(change.actual) if change.action in _LOSES else b""
    remembered = (change.deletion, change.protect)
    return (change.action, change.id, change.grace, remembered, image(change.desired), fields, lost)


# ------------------------------------------------------------------------------------------------ values


Image = Callable[[Json], bytes]
"""Two values have one image exactly when they are the same."""


def _image(value: Json) -> bytes:
    return b"" if value is ABSENT else canonical(value)


def _without_fingerprints(value: Json) -> bytes:
    return _image(_by_reference(value))


def _by_reference(value: Json) -> Json:
    if isinstance(value, Secret):
        return Secret(value.text, value.text)
    if isinstance(value, Mapping):
        return {key: _by_reference(item) for key, item in value.items()}
    return [_by_reference(item) for item in value] if isinstance(value, list) else value
