"""Watches the write requests of a simulated apply: counts them, knows whose they are, and lets one go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from ..errors import UsageError
from ..model import Actual, Address, Support
from ..provider import ServiceHealth, Wanted, Write, Writer
from ..sandbox import Sandbox

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

T = TypeVar("T")

KILLED = "killed"
"""The fault that no service has: flext itself dies when the request was carried out, before it hears of it."""

WHOSE: ContextVar[Address | None] = ContextVar("WHOSE", default=None)
"""The resource for which a writer is at work, as `Announcing` tells it."""


class Killed(BaseException):
    """The simulated flext is dead."""


@dataclass(frozen=True, slots=True)
class FailAt:
    """Which write request goes wrong, counted from 1, and how."""

    step: int
    fault: str


@dataclass(slots=True)
class Request:
    """One write request of the simulated apply."""

    step: int
    address: Address | None  # of the change that sent it
    service: str
    method: str
    path: str
    status: int = 0  # 0 when no answer began
    fault: str = ""


@dataclass
class Watch:
    """Sees every request to the embedded services, in the order in which they arrive."""

    fail_at: FailAt | None = None
    requests: list[Request] = field(default_factory=list)
    dead: bool = False
    refusal: UsageError | None = None  # the chosen request goes to a service that lacks the chosen fault

    def over(self, service: str, sandbox: Sandbox) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return a service's app, watched."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if self.dead:
                raise Killed
            if scope["method"] == "GET":
                await sandbox(scope, receive, send)
                return
            request = Request(len(self.requests) + 1, WHOSE.get(), service, scope["method"], scope["path"])
            self.requests.append(request)

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    request.status = message["status"]
                if not self.dead:
                    await send(message)

            await self._answer(request, sandbox, scope, receive, watched)

        return app

    async def _answer(self, request: Request, sandbox: Sandbox, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.fail_at.fault if self.fail_at is not None and self.fail_at.step == request.step else ""
        request.fault = fault
        if fault == KILLED:
            self.dead = True
            await sandbox(scope, receive, send)
            raise Killed
        if fault in sandbox.faults.described:
            sandbox.faults.switch_on(fault, times=1)
        elif fault:
            self.refusal = UsageError(
                f"step {request.step} goes to {request.service}, which has no fault {fault}",
                hint="`flext sandbox --list-faults` lists the faults of every service.",
            )
        await sandbox(scope, receive, send)


class Announcing:
    """A writer that tells the watch for which resource it is at work."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def probe(self) -> Support:
        """As the writer itself."""
        return await self._writer.probe()

    async def health(self) -> ServiceHealth:
        """As the writer itself."""
        return await self._writer.health()

    async def read(self, kind: str, wanted: Wanted | None = None) -> Sequence[Actual]:
        """As the writer itself."""
        return await self._writer.read(kind, wanted)

    async def read_one(self, kind: str, name: str, id: str | None, fields: frozenset[str]) -> Actual:
        """As the writer itself."""
        return await self._writer.read_one(kind, name, id, fields)

    async def create(self, write: Write) -> str:
        """As the writer itself, announced."""
        return await _announced(write, self._writer.create(write))

    async def update(self, write: Write) -> None:
        """As the writer itself, announced."""
        await _announced(write, self._writer.update(write))

    async def delete(self, write: Write) -> None:
        """As the writer itself, announced."""
        await _announced(write, self._writer.delete(write))


async def _announced(write: Write, work: Awaitable[T]) -> T:
    token = WHOSE.set(write.change.address)
    try:
        return await work
    finally:
        WHOSE.reset(token)
