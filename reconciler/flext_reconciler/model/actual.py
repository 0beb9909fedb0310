"""What the services reported, and what the ledger remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .desired import Deletion
from .values import Address, Json


class Presence(StrEnum):
    """Whether a resource exists; `unknown` is what silence means."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Actual:
    """What a provider reported about one address."""

    address: Address
    presence: Presence = Presence.PRESENT
    id: str | None = None  # the service's own identifier
    spec: Mapping[str, Json] = field(default_factory=dict)  # canonical, in the words of the kind's Spec
    owned: bool | None = None  # carries our mark, carries none, or this kind cannot carry one
    unreadable: frozenset[str] = frozenset()  # fields of the spec that the service does not give back
    reason: str = ""  # why it is unknown
    facts: Mapping[str, Json] = field(default_factory=dict)  # for people: version, health; never compared


class Action(StrEnum):
    """What a change does; no-op is the absence of a change."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"

    @property
    def symbol(self) -> str:
        """The glyph that reviewers know from the field."""
        return {"create": "+", "update": "~", "replace": "±", "delete": "-", "adopt": "="}[self.value]


EVERY_ACTION = frozenset(Action)


@dataclass(frozen=True, slots=True)
class KindSupport:
    """What this server can do with one kind, found by probing."""

    supported: bool = True
    actions: frozenset[Action] = EVERY_ACTION
    in_place: frozenset[str] = frozenset()  # fields marked Immutable that this server can change after all
    why: str = ""  # why something is missing, for people


@dataclass(frozen=True, slots=True)
class Support:
    """What a server turned out to be."""

    variant: str  # e.g. `flexcore-v1`
    kinds: Mapping[str, KindSupport]


@dataclass(frozen=True, slots=True)
class Actuals:
    """Everything that was read; an address that is missing from a readable kind is absent."""

    found: Mapping[Address, Actual] = field(default_factory=dict)
    support: Mapping[str, Support] = field(default_factory=dict)  # by service; a service that failed is missing
    failures: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (service, kind) → why it was not read

    def get(self, address: Address) -> Actual:
        """Return what is known of an address: present, absent, or unknown with its reason."""
        known = self.found.get(address)
        if known is not None:
            return known
        failure = self.failures.get((address.service, address.kind))
        if failure is not None:
            return Actual(address, Presence.UNKNOWN, reason=failure)
        return Actual(address, Presence.ABSENT)


@dataclass(frozen=True, slots=True)
class Record:
    """What the ledger holds of one resource: evidence of what we did, never truth."""

    address: Address
    id: str | None
    desired: Mapping[str, Json]  # the spec as last applied, symbolic
    observed: Mapping[str, Json]  # what was read back right after; undeclared fields are server defaults
    pending: Action | None = None  # an intent that was written down and never finished
    deletion: Deletion = Deletion.TWO_PHASE  # what its author last said of its removal
    protect: bool = False  # its author forbade to remove it, and has not taken that back
    due: str = ""  # the day (ISO) from which it may be deleted; empty unless it was disabled for that
    attempted: tuple[Mapping[str, Json], ...] = ()  # what open intents wanted, oldest first: some of it may be there
