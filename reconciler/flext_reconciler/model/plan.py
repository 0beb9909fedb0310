"""A plan, as data: no callables, no clients, no open files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..errors import Place
from .actual import Action
from .desired import Deletion
from .values import ABSENT, Address, Json, Path


class Reason(StrEnum):
    """Why a change is proposed; for people and filters, apply never branches on it."""

    NEW = "new"  # declared, and neither there nor ever applied
    EDITED = "edited"  # the declaration moved
    DRIFTED = "drifted"  # the platform moved
    BOTH_MOVED = "both_moved"
    MISSING = "missing"  # we applied it and it is gone
    RESTARTED = "restarted"  # everything of this service is gone at once
    INTERRUPTED = "interrupted"  # an earlier apply was cut short
    FOUND = "found"  # exists, not ours yet
    UNDECLARED = "undeclared"  # ours, and no longer declared
    DISABLED = "disabled"  # declared as not wanted
    REVIVED = "revived"  # declared again before it was deleted
    UNDONE = "undone"  # a run is taken back
    UNVERIFIABLE = "unverifiable"  # cannot be compared; replaced because it was asked for


class Effect(StrEnum):
    """What changing a field costs on this server."""

    UPDATE = "update"
    REPLACE = "replace"


class Drift(StrEnum):
    """Who moved since the last apply."""

    GIT = "git"
    ACTUAL = "actual"
    BOTH = "both"
    SERVER_DEFAULT = "server_default"


class Risk(StrEnum):
    """How much a reviewer should worry; ordered by `RISKS`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


RISKS = (Risk.LOW, Risk.MEDIUM, Risk.HIGH)


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field that differs: `before` was read, `after` is wanted; either may be ABSENT."""

    path: Path
    before: Json
    after: Json
    effect: Effect = Effect.UPDATE
    drift: Drift | None = None  # None when nothing was ever applied to compare with
    secret: bool = False
    note: str = ""  # e.g. that the value cannot be read back
    wanted: Json = ABSENT  # only where something moved since its plan: `before` was planned from, `after` is there now


@dataclass(frozen=True, slots=True)
class Change:
    """One action on one resource, as data: everything apply needs, and no secret."""

    address: Address
    action: Action
    reason: Reason
    fields: tuple[FieldDiff, ...] = ()
    id: str | None = None  # None for a create
    desired: Mapping[str, Json] | None = None  # None for a delete
    actual: Mapping[str, Json] | None = None  # None for a create
    base: str = ""  # fingerprint of the Actual that was read; apply refuses when it moved
    depends_on: tuple[Address, ...] = ()  # other changes of this plan only
    place: Place | None = None
    risk: Risk = Risk.LOW
    notes: tuple[str, ...] = ()  # what a reviewer must know, e.g. the outage of a replace
    uses: Mapping[Address, str] = field(default_factory=dict)  # what it depends on and stays → fingerprint
    deletion: Deletion = Deletion.TWO_PHASE  # for the ledger to remember
    protect: bool = False  # for the ledger to remember
    grace: int | None = None  # only disables, and announces a delete in so many days

    @property
    def removes(self) -> bool:
        """Takes something away that is no longer wanted: for good, or for now."""
        return self.action is Action.DELETE or self.grace is not None

    @property
    def writes(self) -> bool:
        """Sends something that changes the service; otherwise only the ledger is written."""
        if self.action is Action.DELETE:
            return self.actual is not None
        return bool(self.fields) or self.action in (Action.CREATE, Action.REPLACE)


class BlockCode(StrEnum):
    """Why a resource cannot be planned."""

    UNKNOWN = "unknown"  # not readable: neither present nor absent
    UNSUPPORTED = "unsupported"  # this server lacks the kind or the action
    FOREIGN = "foreign"  # exists and is not ours
    PROTECTED = "protected"  # lifecycle.protect forbids it
    AMBIGUOUS = "ambiguous"  # two objects with one name
    OVERTAKEN = "overtaken"  # a later run than the one to be taken back made it anew, or deleted it


@dataclass(frozen=True, slots=True)
class Blocked:
    """A resource that stays as it is, and why; the rest of the plan goes on."""

    address: Address
    code: BlockCode
    message: str
    hint: str = ""
    place: Place | None = None
    fields: tuple[FieldDiff, ...] = ()  # what is held back with it


@dataclass(frozen=True, slots=True)
class Violation:
    """A guard that forbids applying the whole plan, and the flag that lifts it."""

    code: str
    message: str
    flag: str


@dataclass(frozen=True, slots=True)
class DriftItem:
    """A resource that no longer is as it was applied, whoever moved it."""

    address: Address
    drift: Drift
    fields: tuple[FieldDiff, ...] = ()  # empty when the whole resource came or went
    message: str = ""
    others: tuple[Address, ...] = ()  # of which exactly the same is to be said: told once


@dataclass(frozen=True, slots=True)
class Impact:
    """What else is touched when the disruptive changes of a plan run."""

    outages: tuple[Address, ...] = ()  # replaced or deleted: gone for a moment, or for good
    dependents: tuple[Address, ...] = ()  # depend on those, directly or not, and do not change themselves


@dataclass(frozen=True, slots=True)
class Irreversible:
    """Something that a plan does and that nothing can undo."""

    address: Address
    path: Path  # empty when it is about the whole resource
    why: str


@dataclass(frozen=True, slots=True)
class Inverse:
    """What takes a plan back: changes to the earlier values, and what stays as the plan leaves it."""

    changes: tuple[Change, ...] = ()  # ids and bases are known only once the plan has been applied
    forget: tuple[Address, ...] = ()  # adopted by the plan: to be nobody's again, which writes nothing
    irreversible: tuple[Irreversible, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an apply would do, sorted; the same input gives the same plan."""

    environment: str
    services: Mapping[str, str]  # name → origin
    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    violations: tuple[Violation, ...] = ()
    drift: tuple[DriftItem, ...] = ()
    prunable: tuple[Address, ...] = ()  # ours, undeclared, and kept because pruning is off
    unmanaged: tuple[Address, ...] = ()  # neither ours nor declared
    notices: tuple[str, ...] = ()
    unchanged: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)  # how many of `service.kind` are ours, for the limits
    lineage: str = ""  # of the ledger it was made with
    serial: int = 0
    complete: bool = True  # False when `--target` left something out
    revision: str = ""  # of the desired state in Git, when it is there
    objects: Mapping[Address, str] = field(default_factory=dict)  # fingerprint of everything that was read
    impact: Impact = field(default_factory=Impact)
    inverse: Inverse = field(default_factory=Inverse)
    undoes: int = 0  # the run that this plan rolls back; 0 when it brings what is declared

    def __post_init__(self) -> None:
        for name in ("changes", "blocked", "drift"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name), key=lambda item: item.address)))
        for name in ("prunable", "unmanaged", "notices"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))

    @property
    def is_empty(self) -> bool:
        """Nothing to do and nothing in the way."""
        return not self.changes and not self.blocked

    @property
    def counts(self) -> Mapping[Action, int]:
        """How many changes there are of each action, every action named."""
        counted = Counter(change.action for change in self.changes)
        return {action: counted[action] for action in Action}

    @property
    def risk(self) -> Risk:
        """The highest risk of any change."""
        return max((change.risk for change in self.changes), key=RISKS.index, default=Risk.LOW)
