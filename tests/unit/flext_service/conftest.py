"""The embedded FLEXT Service over a loopback socket."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import respx
import stamina

from flext_providers.flext_service.provider import PROVIDER
from flext_reconciler.model import Service

from .world import World


@pytest.fixture
def world():
    with World() as world:
        yield world


@pytest.fixture(autouse=True)
def _impatient():
    with stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def answering():
    """Read pipelines from a service that answers one body to everything."""

    async def read() -> object:
        service = Service("flext", "flext-service", "http://127.0.0.1:1")
        async with PROVIDER.reader(service, lambda secret: "") as reader:
            return await reader.read("pipeline", {})

    def answer(body: object) -> object:
        with respx.mock(base_url="http://127.0.0.1:1") as routes:
            routes.route().mock(return_value=httpx.Response(200, json=body))
            return asyncio.run(read())

    return answer
