"""What stands in for the network: requests reach an embedded service in this process, late, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import httpx

from flext_reconciler.simulate.watch import WHOSE

if TYPE_CHECKING:
    from .world import Process

ORIGIN = "http://127.0.0.1:9"
QUICK, SLOW = 0.001, 0.05  # seconds that a request takes at least and at most


class Answer(NamedTuple):
    """What a service answered, whole."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def response(self, request: httpx.Request) -> httpx.Response:
        """The answer as the client gets it."""
        return httpx.Response(self.status, headers=self.headers, content=self.body, request=request)


async def serve(app: Any, method: str, target: bytes, body: bytes = b"") -> Answer | None:
    """Let an app answer a request; None when it dropped the connection."""
    path, _, query = target.partition(b"?")
    answer: list[Any] = []
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote(path.decode()), "raw_path": path, "query_string": query, "root_path": "", "headers": [],
        "server": ("127.0.0.1", 9), "client": ("127.0.0.1", 1), "state": {"cut": lambda: None},
    }  # fmt: skip
    await app(scope, receive, send)
    if not answer:
        return None
    parts = b"".join(message.get("body", b"") for message in answer[1:])
    return Answer(answer[0]["status"], list(answer[0]["headers"]), parts)


def at_once(work: Any) -> Any:
    """Run a coroutine that only ever gives way, without giving way: nobody sees it half done."""
    try:
        while True:
            assert work.send(None) is None, "it waits for something"
    except StopIteration as end:
        return end.value


class Asked(NamedTuple):
    """One request that a process sent, and the way to let the service carry it out."""

    wire: Wire
    request: httpx.Request
    name: str  # of this very request of this very process: the same in every replay
    target: bytes

    @property
    def writes(self) -> bool:
        return self.request.method != "GET"

    async def carry_out(self, target: bytes | None = None) -> httpx.Response:
        """Have it carried out and return the answer; what a write began goes on when nobody waits for it any more."""
        world, service = self.wire.process.world, self.wire.service
        work = serve(world.apps[service], self.request.method, target or self.target, self.request.content)
        answer = await (asyncio.shield(world.keep(service, work)) if self.writes else work)
        if answer is None:
            raise httpx.RemoteProtocolError("the connection was dropped", request=self.request)
        if not self.writes:
            world.remember(service, self.target, answer)
        return answer.response(self.request)

    def carry_out_later(self, seconds: float) -> None:
        """Have it carried out when nobody waits for it any more, at a moment when nobody else is writing."""
        world, service = self.wire.process.world, self.wire.service
        work = serve(world.apps[service], self.request.method, self.target, self.request.content)
        world.later(service, seconds, work, f"{self.request.method} {self.request.url.path}")


class Wire(httpx.AsyncBaseTransport):
    """Carries the requests of one process to one service, through whatever the weather is."""

    def __init__(self, process: Process, service: str) -> None:
        self.process = process
        self.service = service

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        process = self.process
        assert str(request.url).startswith(f"{ORIGIN}/"), f"a request went astray: {request.url}"
        told = f"{request.method} {self.service}{request.url.path}"
        target = request.url.raw_path
        asked = Asked(self, request, process.name(f"{request.method} {self.service} {target.decode()}"), target)
        process.at(f"before send: {told}", asked.writes)
        chance = process.world.chance(asked.name)
        fault = process.weather.strikes(asked, chance)
        await asyncio.sleep(chance.uniform(QUICK, SLOW))
        if asked.writes:
            process.sent.append((WHOSE.get(), f"{request.method} {request.url.path}"))
        else:
            process.asked.append(f"{self.service}{request.url.path}")
        try:
            response = await (fault.strike(asked, chance) if fault else asked.carry_out())
        except BaseException:
            process.tell(f"{told} ✗" + (f" [{fault.name}]" if fault else ""))
            raise
        process.tell(f"{told} → {response.status_code}" + (f" [{fault.name}]" if fault else ""))
        process.at(f"after reply: {told}", asked.writes)
        return response
