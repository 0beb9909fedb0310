"""A provider without a network: a service that is a dict, every call counted, faults and crash points injected.

    widget   cannot carry a mark; `type` is immutable, `labels` merge-only, `tags` unordered, `recipe` never read back
    gadget   carries our mark; refers to a widget by name, and the service stores the widget's id

Ids are new with every create, as a server's UUIDs are, unless the service `names_its_ids`.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Actual, Address, Json, KindSupport, Path, Presence, Service, Support
from flext_reconciler.provider import Embedded, Health, Reader, ServiceHealth, Traits, Wanted, Write, Writer
from flext_reconciler.references import Resolve
from flext_reconciler.spec import Cleared, Immutable, MergeOnly, Sensitive, Spec, Unordered


class Widget(Spec):
    """What everything else is made of."""

    outage: ClassVar[str] = "the widget is away for a moment"

    type: Annotated[str | None, Immutable()] = None
    size: Annotated[int | None, Cleared(0)] = None
    tags: Annotated[list[str] | None, Unordered()] = None
    labels: Annotated[dict[str, Any] | None, MergeOnly()] = None
    token: Annotated[str | None, Sensitive()] = None
    recipe: str | None = None


class Gadget(Spec):
    """Something that uses a widget."""

    refers_to: ClassVar[Mapping[Path, str]] = {("widget",): "widget"}
    enabled_by: ClassVar[str | None] = "enabled"
    mark_field: ClassVar[str | None] = "note"

    widget: str | None = None
    note: str | None = None
    enabled: bool | None = None


KINDS: Mapping[str, type[Spec]] = {"widget": Widget, "gadget": Gadget}
UNREADABLE = {"widget": frozenset({"recipe"}), "gadget": frozenset({"enabled"})}
DEFAULTS: Mapping[str, Mapping[str, Json]] = {"widget": {"size": 0}, "gadget": {}}


@dataclass
class Stored:
    """One object as the service holds it."""

    id: str
    kind: str
    name: str
    spec: dict[str, Json]
    marked: bool = False


@dataclass
class Fault:
    """What goes wrong with a request: before it is carried out, or after, when nobody hears of it."""

    operation: str  # probe read read_one create update delete
    error: Callable[[], BaseException]
    name: str | None = None  # of the object; None for any
    carried_out: bool = False
    times: int = 1
    skip: int = 0  # matching calls that still go well


def lost_reply() -> ServiceError:
    """A request that nobody answered."""
    return ServiceError("no answer", kind=ErrorKind.TIMEOUT, outcome_unknown=True, hint="wait")


def refused() -> ServiceError:
    """A request that the service answered with no."""
    return ServiceError("refused", kind=ErrorKind.INVALID)


def broken() -> ServiceError:
    """A request that the service stumbled over."""
    return ServiceError("it broke", kind=ErrorKind.SERVER_ERROR)


@dataclass
class MemoryService:
    """The state of one service, which outlives the clients that look at it."""

    name: str = "memory"
    objects: list[Stored] = field(default_factory=list)
    names_its_ids: bool = False
    support: Support = field(default_factory=lambda: Support("memory", {kind: KindSupport() for kind in KINDS}))
    faults: list[Fault] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    writes: list[str] = field(default_factory=list)
    seen: list[Write] = field(default_factory=list)
    at: Callable[[str], None] = lambda place: None  # called at every boundary of a write
    stores: Callable[[str, dict[str, Json]], None] = lambda kind, spec: None  # may spoil what is stored
    serial: int = 0
    reading: int = 0
    writing: int = 0
    most_writing: int = 0
    overlaps: int = 0  # a read and a write at once

    def add(self, kind: str, name: str, spec: Mapping[str, Json], *, marked: bool = False) -> Stored:
        """Put an object there behind everybody's back."""
        self.serial += 1
        id = name if self.names_its_ids else f"{kind}-{self.serial}"
        made = Stored(id, kind, name, {**DEFAULTS[kind], **copy.deepcopy(dict(spec))}, marked)
        self.objects.append(made)
        return made

    def remove(self, kind: str, name: str) -> None:
        """Take an object away behind everybody's back."""
        self.objects = [stored for stored in self.objects if (stored.kind, stored.name) != (kind, name)]

    def named(self, kind: str, name: str) -> list[Stored]:
        """Every object of a name."""
        return [stored for stored in self.objects if stored.kind == kind and stored.name == name]

    def find(self, kind: str, id: str | None) -> Stored | None:
        """The object of an id."""
        return next((stored for stored in self.objects if stored.kind == kind and stored.id == id), None)

    def state(self) -> list[tuple[str, str, bool, dict[str, Json]]]:
        """Everything that is stored, ids replaced by names, sorted: two runs that agree on this agree."""
        names = {stored.id: stored.name for stored in self.objects}
        return sorted(
            (
                (
                    stored.kind,
                    stored.name,
                    stored.marked,
                    {key: names.get(value, value) if key == "widget" else value for key, value in stored.spec.items()},
                )
                for stored in self.objects
            ),
            key=repr,
        )

    def fault(self, operation: str, name: str, *, carried_out: bool) -> None:
        """Raise the fault that is due."""
        for fault in self.faults:
            due = fault.operation == operation and fault.name in (None, name) and fault.carried_out is carried_out
            if due and fault.skip:
                fault.skip -= 1
            elif due and fault.times:
                fault.times -= 1
                raise fault.error()


class MemoryClient:
    """Reads and writes a MemoryService; every call gives others a chance to run."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service

    async def probe(self) -> Support:
        """Say what the service can do."""
        await self._read("probe", "")
        return self._service.support

    async def health(self) -> ServiceHealth:
        """Always well."""
        return ServiceHealth(self._service.name, Health.HEALTHY, 0.0, datetime(2026, 1, 1, tzinfo=UTC))

    async def read(self, kind: str, wanted: Wanted | None = None) -> Sequence[Actual]:
        """List a kind, newest first."""
        await self._read("read", kind)
        return [self._actual(stored) for stored in reversed(self._service.objects) if stored.kind == kind]

    async def read_one(self, kind: str, name: str, id: str | None, fields: frozenset[str]) -> Actual:
        """Read one object, by its id when there is one."""
        await self._read("read_one", name)
        found = self._service.find(kind, id) if id is not None else next(iter(self._service.named(kind, name)), None)
        absent = Actual(Address(self._service.name, kind, name), Presence.ABSENT)
        return absent if found is None else self._actual(found)

    async def create(self, write: Write) -> str:
        """Create; a name that is taken is a conflict."""
        kind = write.change.address.kind

        def carry_out() -> str:
            if self._service.named(kind, write.name):
                raise ServiceError(f"{write.name} exists", kind=ErrorKind.CONFLICT)
            return self._service.add(kind, write.name, self._stored(write), marked=kind == "gadget").id

        return await self._write("create", write, carry_out)

    async def update(self, write: Write) -> None:
        """Set every declared field."""

        def carry_out() -> None:
            found = self._service.find(write.change.address.kind, write.id)
            if found is None:
                raise ServiceError(f"{write.name} is not there", kind=ErrorKind.NOT_FOUND)
            found.spec |= self._stored(write)
            found.spec |= {str(field.path[0]): field.after for field in write.change.fields if field.path == ("size",)}
            found.marked = found.kind == "gadget"

        await self._write("update", write, carry_out)

    async def delete(self, write: Write) -> None:
        """Remove; what is gone is success."""

        def carry_out() -> None:
            found = self._service.find(write.change.address.kind, write.id)
            if found is not None:
                self._service.objects.remove(found)

        await self._write("delete", write, carry_out)

    def _stored(self, write: Write) -> dict[str, Json]:
        spec = copy.deepcopy({key: value for key, value in write.spec.items() if key != "enabled"})
        if "widget" in spec:
            id = write.id_of("widget", spec["widget"])
            if id is None or self._service.find("widget", id) is None:
                raise ServiceError(f"no widget {spec['widget']}", kind=ErrorKind.INVALID)
            spec["widget"] = id
        self._service.stores(write.change.address.kind, spec)
        return spec

    def _actual(self, stored: Stored) -> Actual:
        hidden = UNREADABLE[stored.kind]
        spec = {key: copy.deepcopy(value) for key, value in stored.spec.items() if key not in hidden}
        if "widget" in spec:
            used = self._service.find("widget", spec["widget"])
            spec["widget"] = used.name if used else spec["widget"]
        return Actual(
            Address(self._service.name, stored.kind, stored.name),
            id=stored.id,
            spec=spec,
            owned=stored.marked if stored.kind == "gadget" else None,
            unreadable=hidden,
        )

    async def _read(self, operation: str, name: str) -> None:
        service = self._service
        service.calls[operation] += 1
        service.reading += 1
        service.overlaps += service.writing > 0
        await asyncio.sleep(0)
        service.reading -= 1
        service.fault(operation, name, carried_out=False)

    async def _write(self, operation: str, write: Write, carry_out: Callable[[], Any]) -> Any:
        service, told = self._service, f"{operation} {write.change.address}"
        service.calls[operation] += 1
        service.seen.append(write)
        service.at(f"before send: {told}")
        service.writing += 1
        service.most_writing = max(service.most_writing, service.writing)
        service.overlaps += service.reading > 0
        try:
            await asyncio.sleep(0)
            service.fault(operation, write.name, carried_out=False)
            result = carry_out()
            service.writes.append(told)
            service.at(f"after send: {told}")
            service.fault(operation, write.name, carried_out=True)
        finally:
            service.writing -= 1
        service.at(f"after reply: {told}")
        return result


class MemoryProvider:
    """The provider of MemoryServices, found by their names."""

    name = "memory"
    kinds = KINDS
    embedded: Embedded | None = None

    def __init__(self, *services: MemoryService, traits: Traits | None = None) -> None:
        self.traits = traits or Traits()
        self._services = {service.name: service for service in services}

    @asynccontextmanager
    async def reader(self, service: Service, resolve: Resolve) -> AsyncIterator[Reader]:
        """Open a reader."""
        yield MemoryClient(self._services[service.name])

    @asynccontextmanager
    async def writer(self, service: Service, resolve: Resolve) -> AsyncIterator[Writer]:
        """Open a writer."""
        yield MemoryClient(self._services[service.name])
