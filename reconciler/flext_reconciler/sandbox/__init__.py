"""The kit that embedded services are made of: somewhere to keep things, faults to switch on, a server to run on.

An embedded service is a Starlette app that imitates one type of service. Its provider builds it so:

    def make(path: FilePath | None) -> Sandbox:
        store, faults = Store(path), Faults(FAULTS)
        return with_faults(Starlette(routes=...), faults, store, service="flexcore", restart=store.clear)

and anybody runs it with `start(make(None))`. Servers listen on 127.0.0.1 only.
"""

from .faults import CONTROL, GENERIC_FAULTS, Fault, Faults, Logged, Sandbox, with_faults
from .misbehaviour import cut
from .runner import Running, serve_forever, start
from .store import Collection, Store

__all__ = [
    "CONTROL",
    "GENERIC_FAULTS",
    "Collection",
    "Fault",
    "Faults",
    "Logged",
    "Running",
    "Sandbox",
    "Store",
    "cut",
    "serve_forever",
    "start",
    "with_faults",
]
