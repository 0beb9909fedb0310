"""Reads a FLEXT Service: complete lists from pages that move, and no belief in what it may have invented."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.model import Json

if TYPE_CHECKING:
    from flext_reconciler.http import ReadClient

Item = dict[str, Json]
T = TypeVar("T")
R = TypeVar("R")

_ATTEMPTS = 3
_PARALLEL = 8
_PAGE_SIZE = 100  # the most that the echo generation gives
_MOST_PAGES = 10_000
_SAMPLES = ({"tap-oracle", "tap-ldap", "tap-ldif"}, {"target-postgres", "target-oracle", "target-ldap"})


@dataclass(frozen=True)
class Listing:
    """Where the objects of a kind are listed, and how its pages are asked for."""

    path: str
    key: str  # what the list is called when it does not stand alone
    by_offset: bool = False
    filters: Mapping[str, str] = field(default_factory=dict)

    def page(self, number: int, size: int) -> dict[str, str | int]:
        """Return the query for a page, from 0; by offset, the first page asks for everything."""
        if self.by_offset:
            return {**self.filters, "limit": size if number else 0, "offset": number * size}
        return {**self.filters, "page": number + 1, "page_size": _PAGE_SIZE}


class _Page(NamedTuple):
    items: list[Item]
    total: int | None


class _Listed(NamedTuple):
    items: list[Item]
    ids: frozenset[str]
    at_once: bool  # on one page, so that nothing can have moved meanwhile


class Client:
    """Reads with the engine's client, and doubts what comes back."""

    def __init__(self, http: ReadClient, service: str) -> None:
        self.http = http
        self.service = service

    async def one(self, path: str, *, named: bool = True) -> Item | None:
        """Return one object, or what else a path tells; None when the service says that it does not exist."""
        reply = await self.http.ask(path)
        if isinstance(reply, ServiceError):
            if reply.kind is ErrorKind.NOT_FOUND:
                return None
            raise reply
        item = self._payload(reply.body)
        if named and not _is_named(item):
            raise self.untrusted(f"{path} answered an object without id and name")
        return item

    async def all(self, listing: Listing, wanted: Collection[str] = ()) -> list[Item]:
        """Return a list that is complete; a wanted name is only missing when two readings agree."""
        for _ in range(_ATTEMPTS):
            listed = await self._sweep(listing)
            if listed is None:
                continue
            if listed.at_once or not set(wanted) - {item["name"] for item in listed.items}:
                return listed.items
            again = await self._sweep(listing)
            if again is not None and again.ids == listed.ids:
                return again.items
        raise self.untrusted(
            f"{listing.path} changed while it was read, {_ATTEMPTS} times over",
            hint="Try again when nobody else is changing it.",
        )

    async def _sweep(self, listing: Listing) -> _Listed | None:
        """Read every page once; None when they do not add up."""
        first = await self._page(listing, 0, 0)
        size = len(first.items)
        if first.total is None:
            pages = await self._until_short(listing, first)
        elif size and first.total > size * _MOST_PAGES:
            raise self.untrusted(f"{listing.path} claims to have more than {_MOST_PAGES} pages")
        else:
            rest = range(1, -(-first.total // size)) if size else range(0)
            pages = [first, *await each(lambda number: self._page(listing, number, size), rest)]
        items = [item for page in pages for item in page.items]
        ids = frozenset(item["id"] for item in items)
        adds_up = len(ids) == len(items) and first.total in (None, len(items))
        agreed = all(page.total == first.total for page in pages)
        return _Listed(items, ids, len(pages) == 1) if adds_up and agreed else None

    async def _until_short(self, listing: Listing, first: _Page) -> list[_Page]:
        """Read on where nobody says how many there are, until a page is not full or says nothing new."""
        pages, size = [first], len(first.items)
        while len(pages[-1].items) == size > 0 and pages[-1] not in pages[:-1]:
            if len(pages) == _MOST_PAGES:
                raise self.untrusted(f"{listing.path} does not end after {_MOST_PAGES} pages")
            pages.append(await self._page(listing, len(pages), size))
        return pages

    async def _page(self, listing: Listing, number: int, size: int) -> _Page:
        body = (await self.http.get(listing.path, params=listing.page(number, size))).body
        payload = self._payload(body, listing.key)
        items, total = payload.get(listing.key), payload.get("total")
        if items is None:  # Go writes an empty list as null
            items = []
        if not isinstance(items, list) or not (total is None or type(total) is int):
            raise self.untrusted(f"{listing.path} did not answer a list of {listing.key}")
        if not all(isinstance(item, dict) and _is_named(item) for item in items):
            names = {str(item.get("name")) for item in items if isinstance(item, dict)}
            what = "sample data" if names in _SAMPLES else f"{listing.key} without id and name"
            raise self.untrusted(f"{listing.path} answered {what}")
        return _Page(items, total)

    def _payload(self, body: Json, key: str = "") -> Item:
        """Take an answer out of its envelope; a bare list comes back under its key, with the total beside it."""
        data = body.get("data", body) if isinstance(body, dict) else None
        if isinstance(data, list) and isinstance(body, dict) and key:
            pagination = body.get("pagination")
            data = {key: data, "total": pagination.get("total") if isinstance(pagination, dict) else None}
        if not isinstance(data, dict) or (key and key not in data):
            raise self.untrusted("the answer is not of a FLEXT Service")
        return data

    def untrusted(self, message: str, *, hint: str = "") -> ServiceError:
        """Return the error for an answer that is not evidence of anything."""
        return ServiceError(message, kind=ErrorKind.UNTRUSTED, service=self.service, hint=hint)


async def each(call: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Call for every item, a few at a time; the first failure ends the others."""
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(item: T) -> R:
        async with gate:
            return await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _is_named(item: Item) -> bool:
    return all(isinstance(item.get(key), str) and item[key] for key in ("id", "name"))
