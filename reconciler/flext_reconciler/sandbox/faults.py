"""Faults to switch on by name, as ASGI middleware, with a request log and a control endpoint.

    GET    /_sandbox/faults               every fault: what it does, and how it is switched on
    PUT    /_sandbox/faults/{name}        {"times": n|null, "method": "POST"?, "path": "/prefix"?, "seconds": s?}
    DELETE /_sandbox/faults[/{name}]      switch one off, or all of them
    GET    /_sandbox/log, DELETE          the requests so far, oldest first
    GET    /_sandbox/violations           what clients did that the real service would not have survived
    POST   /_sandbox/restart              what a restart of the real service does to its memory

The control endpoint itself is out of every fault's reach.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .misbehaviour import GENERIC, Call

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .store import Store

CONTROL = "/_sandbox"

GENERIC_FAULTS: Mapping[str, str] = {name: sentence for name, (sentence, _) in GENERIC.items()}
"""The faults that every embedded service has, each in a sentence."""


@dataclass
class Fault:
    """One fault that is on; the middleware or the service uses it up."""

    name: str
    times: int | None = None  # uses left; None until switched off
    method: str | None = None  # only requests of this method
    path: str | None = None  # only requests whose path begins so
    seconds: float | None = None  # for the faults that wait; None for their own measure

    def hits(self, method: str, path: str) -> bool:
        """Tell whether a request is one that this fault is meant for."""
        return self.method in (None, method) and path.startswith(self.path or "")


@dataclass(slots=True)
class Logged:
    """One request as the service saw it, from its arrival on; status 0 until a reply begins, if one ever does."""

    method: str
    path: str  # as sent, still percent-encoded
    query: str
    status: int = 0
    fault: str = ""  # the generic fault that struck, or empty


class Faults:
    """What is switched on for one embedded service, what was asked of it, and what its clients did wrong."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self.described: Mapping[str, str] = {**GENERIC_FAULTS, **(own or {})}
        self.active: dict[str, Fault] = {}
        self.log: deque[Logged] = deque(maxlen=100_000)
        self.violations: list[str] = []

    def switch_on(
        self,
        name: str,
        *,
        times: int | None = None,
        method: str | None = None,
        path: str | None = None,
        seconds: float | None = None,
    ) -> None:
        """Switch a fault on, replacing its earlier setting; raises KeyError for a name that this service lacks."""
        if name not in self.described:
            raise KeyError(name)
        self.active[name] = Fault(name, times, method, path, seconds)

    def switch_off(self, name: str | None = None) -> None:
        """Switch one fault off, or all of them; what is off already stays off."""
        if name is None:
            self.active.clear()
        else:
            self.active.pop(name, None)

    def take(self, name: str, method: str = "", path: str = "") -> Fault | None:
        """Use one of a service's own faults; None when it is off, used up or meant for other requests."""
        fault = self.active.get(name)
        return self._use(fault) if fault and fault.hits(method, path) else None

    def take_generic(self, method: str, path: str) -> Fault | None:
        """Use the first generic fault that is meant for this request."""
        for fault in self.active.values():
            if fault.name in GENERIC and fault.hits(method, path):
                return self._use(fault)
        return None

    def _use(self, fault: Fault) -> Fault:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.active.pop(fault.name, None)
        return fault


class Sandbox:
    """An embedded service: an app behind its faults. `faults` and `store` are there for tests in the same process."""

    def __init__(
        self, app: ASGIApp, faults: Faults, store: Store, *, service: str, restart: Callable[[], None] | None
    ) -> None:
        self.service = service
        self.faults = faults
        self.store = store
        self._app = app
        self._restart = restart
        self._control = _control(self)

    def restart(self) -> None:
        """Do to the service's memory what a restart of the real one does; faults and log stay."""
        if self._restart is not None:
            self._restart()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["path"].startswith(CONTROL):
            await self._control(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        fault = self.faults.take_generic(method, path) if self.faults.active else None
        entry = Logged(method, _text(scope.get("raw_path")) or path, _text(scope["query_string"]))
        self.faults.log.append(entry)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        if fault is None:
            await self._app(scope, receive, watched)
        else:
            entry.fault = fault.name
            await GENERIC[fault.name][1](Call(self._app, fault, scope, receive, watched))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.store.close()
        await send({"type": "lifespan.shutdown.complete"})


def with_faults(
    app: ASGIApp, faults: Faults, store: Store, *, service: str, restart: Callable[[], None] | None = None
) -> Sandbox:
    """Put an app behind its faults; `restart` is what a restart does to it, nothing when it persists everything.

    The store is closed when the server stops. A handler drops its connection with `await cut(...)`.
    """
    return Sandbox(app, faults, store, service=service, restart=restart)


# ------------------------------------------------------------------------------------------------ control endpoint


def _control(sandbox: Sandbox) -> Starlette:
    from starlette.applications import Starlette
    from starlette.routing import Route

    control = _Control(sandbox)
    return Starlette(
        routes=[
            Route(f"{CONTROL}/faults", control.faults, methods=["GET", "DELETE"]),
            Route(f"{CONTROL}/faults/{{name}}", control.fault, methods=["PUT", "DELETE"]),
            Route(f"{CONTROL}/log", control.log, methods=["GET", "DELETE"]),
            Route(f"{CONTROL}/violations", control.violations, methods=["GET"]),
            Route(f"{CONTROL}/restart", control.restart, methods=["POST"]),
        ]
    )


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("ascii", "replace")


class _Control:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._faults = sandbox.faults

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.switch_off()
        on = {name: asdict(fault) for name, fault in self._faults.active.items()}
        return _json({"service": self._sandbox.service, "faults": self._faults.described, "on": on})

    async def fault(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "DELETE":
            self._faults.switch_off(name)
            return _json({})
        try:
            setting = _setting(await request.body())
            self._faults.switch_on(name, **setting)
        except KeyError:
            return _json({"error": f"no fault {name!r}", "faults": sorted(self._faults.described)}, 404)
        except (TypeError, ValueError) as error:
            return _json({"error": f"not a fault's setting: {error}"}, 400)
        return _json(setting)

    async def log(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.log.clear()
        return _json({"log": [asdict(entry) for entry in self._faults.log]})

    async def violations(self, _: Request) -> Response:
        return _json({"violations": self._faults.violations})

    async def restart(self, _: Request) -> Response:
        self._sandbox.restart()
        return _json({})


def _setting(body: bytes) -> dict[str, Any]:
    import orjson

    setting = orjson.loads(body) if body else {}
    expected = {"times": int, "method": str, "path": str, "seconds": int | float}
    if not isinstance(setting, dict) or not setting.keys() <= expected.keys():
        raise ValueError("write a JSON object with any of " + ", ".join(expected))
    for key, value in setting.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, expected[key])):
            raise TypeError(f"{key} has the wrong type")
    return setting


def _json(content: Any, status: int = 200) -> Response:
    from starlette.responses import JSONResponse

    return JSONResponse(content, status)
