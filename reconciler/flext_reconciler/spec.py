"""Spec: the base of every kind's model, and the markers that tell the engine how its fields behave.

A Spec validates what users declare and describes what the service will do with it. It never holds the values that
flow through flext: those stay plain data, so that references can stay symbolic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from .model import ABSENT, Json, Path, canonical


class Marker:
    """Base of the markers that stand in `Annotated[...]`."""


@dataclass(frozen=True)
class Immutable(Marker):
    """The service cannot change this field: a difference replaces the resource."""


@dataclass(frozen=True)
class Sensitive(Marker):
    """The value is a secret: it must be a reference, and is compared by fingerprint."""


@dataclass(frozen=True)
class Unordered(Marker):
    """A list whose order means nothing."""


@dataclass(frozen=True)
class MergeOnly(Marker):
    """A map that the service merges by key: a removed key replaces the resource."""


@dataclass(frozen=True)
class AppendOnly(Marker):
    """A list that the service can only extend: anything but new items at the end replaces the resource."""


@dataclass(frozen=True)
class Local(Marker):
    """Tells flext how to work; never sent to the service and never compared."""


@dataclass(frozen=True)
class Cleared(Marker):
    """What the service holds once the field is no longer declared."""

    value: Json


@dataclass(frozen=True)
class FieldRule:
    """How one top-level field of a kind behaves, gathered from its markers."""

    immutable: bool = False
    sensitive: bool = False
    unordered: bool = False
    merge_only: bool = False
    append_only: bool = False
    local: bool = False
    cleared: Json = ABSENT


class Spec(BaseModel):
    """Base of every kind's model: strict, closed, and silent about the values it refuses."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    refers_to: ClassVar[Mapping[Path, str]] = {}
    """Paths (`*` for any index) that hold the name of another resource of the same service → its kind."""

    enabled_by: ClassVar[str | None] = None
    """The boolean field that, when declared false, means that the resource must not exist."""

    name_pattern: ClassVar[str] = r"^[A-Za-z][A-Za-z0-9_-]{1,78}[A-Za-z0-9]$"
    """The names that every layer of the service accepts (contract §5.2)."""

    mark_field: ClassVar[str | None] = None
    """The field that carries our ownership mark; the provider adds the mark on writing and hides it on reading."""

    disabled_by: ClassVar[Mapping[str, Json]] = {}
    """Fields and values that keep it from running, so that it can be deleted days later; empty when nothing does."""

    gates: ClassVar[frozenset[str]] = frozenset()
    """Fields that hold what was made against an expectation: where one is set, a making cut short proves nothing."""

    names_repeat: ClassVar[bool] = False
    """The service takes a second one of the same name: no create is repeated while the first may be under way."""

    outage: ClassVar[str] = ""
    """What a replace interrupts, for the reviewer; empty when nothing."""

    @classmethod
    def normalise(cls, spec: Mapping[str, Json]) -> dict[str, Json]:
        """Bring declared or reported fields to the one form that is compared; idempotent."""
        normal = dict(spec)
        for name in _unordered(cls):
            if isinstance(normal.get(name), list):
                normal[name] = sorted_by_value(normal[name])
        return normal


@cache
def field_rules(spec: type[Spec]) -> Mapping[str, FieldRule]:
    """Gather the markers of a kind's fields."""
    return {name: _rule(info.metadata) for name, info in spec.model_fields.items()}


@cache
def sensitive_fields(spec: type[Spec]) -> tuple[str, ...]:
    """Return the fields of a kind whose values are secret."""
    return tuple(name for name, rule in field_rules(spec).items() if rule.sensitive)


@cache
def _unordered(spec: type[Spec]) -> tuple[str, ...]:
    return tuple(name for name, rule in field_rules(spec).items() if rule.unordered)


def _rule(metadata: Iterable[Any]) -> FieldRule:
    found = {type(marker): marker for marker in metadata if isinstance(marker, Marker)}
    cleared = found.get(Cleared)
    return FieldRule(
        immutable=Immutable in found,
        sensitive=Sensitive in found,
        unordered=Unordered in found,
        merge_only=MergeOnly in found,
        append_only=AppendOnly in found,
        local=Local in found,
        cleared=cleared.value if isinstance(cleared, Cleared) else ABSENT,
    )


def sorted_by_value(values: Iterable[Json]) -> list[Json]:
    """Sort values of any type by their canonical bytes."""
    return sorted(values, key=canonical)


# ------------------------------------------------------------------------------------------------ secrets by name

_SECRET_NAMES = frozenset({"token", "private_key", "keytab", "api_key", "apikey", "authorization", "secret_key"})
_SECRET_ENDINGS = ("password", "secret", "_token", "_api_key", "_private_key", "passwd")


_SECRET_PARTS = ("passw", "secret", "token", "authorization", "keytab", "api", "private")


def may_name_a_secret(text: str) -> bool:
    """Tell whether a text can hold the name of a secret at all, sooner than by looking at each of its words."""
    lowered = text.lower()
    return any(part in lowered for part in _SECRET_PARTS)


@cache
def names_a_secret(name: str) -> bool:
    """Tell whether a field of this name holds a secret by the ecosystem's habits (contract §6)."""
    lowered = name.lower().replace("-", "_")
    return lowered in _SECRET_NAMES or lowered.endswith(_SECRET_ENDINGS)


# ------------------------------------------------------------------------------------------------ shared field types

_ALIASES = frozenset({"@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@once"})


_ANY_DAY = datetime(2026, 1, 1)  # CronSim wants a start; only the syntax is looked at


def _schedule(text: str) -> str:
    if text in _ALIASES:
        return text
    if len(text.split()) != 5:
        raise ValueError("write five cron fields, or one of " + ", ".join(sorted(_ALIASES)))
    try:
        CronSim(text, _ANY_DAY)
    except CronSimError as error:
        raise ValueError(f"not a cron expression: {error}") from None
    return text


Name = Annotated[str, StringConstraints(pattern=Spec.name_pattern)]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$")]
Description = Annotated[str, StringConstraints(max_length=500)]
Author = Annotated[str, StringConstraints(max_length=100)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
Schedule = Annotated[str, AfterValidator(_schedule)]
