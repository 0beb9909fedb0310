"""Objects of one kind, found by id and by name, listed in order of creation, each written as JSON only once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from flext_reconciler.sandbox import Collection

Item = dict[str, Any]


class Table:
    """A collection with its indices, made anew when the collection was changed behind it."""

    def __init__(self, collection: Collection, shown: Callable[[Item], Item]) -> None:
        self._items = collection
        self._shown = shown
        self._order: list[str] = []
        self._names: Counter[str] = Counter()
        self._written: dict[str, tuple[Item, orjson.Fragment]] = {}

    def get(self, id: str) -> Item | None:
        """Return one object."""
        return self._items.get(id)

    def has_name(self, name: str) -> bool:
        """Tell whether some object has this name."""
        self._refresh()
        return self._names[name] > 0

    def put(self, item: Item) -> None:
        """Add an object, or replace the one of its id."""
        self._refresh()
        before = self._items.get(item["id"])
        if before is None:
            self._order.append(item["id"])
        else:
            self._names[before["name"]] -= 1
        self._names[item["name"]] += 1
        self._items[item["id"]] = item

    def remove(self, id: str) -> bool:
        """Remove an object; False when there was none."""
        self._refresh()
        item = self._items.pop(id, None)
        if item is None:
            return False
        self._order.remove(id)
        self._names[item["name"]] -= 1
        self._written.pop(id, None)
        return True

    def rotate(self) -> None:
        """Move the oldest object to the end of the order, so that whoever is reading pages misses one."""
        self._refresh()
        self._order.append(self._order.pop(0))

    def all(self, where: Callable[[Item], bool] | None = None) -> list[str]:
        """Return the ids of the objects that a filter lets through, in order; not to be changed."""
        self._refresh()
        return self._order if where is None else [id for id in self._order if where(self._items[id])]

    def written(self, id: str) -> orjson.Fragment:
        """Return an object as JSON, as the service shows it."""
        item = self._items[id]
        kept = self._written.get(id)
        if kept is None or kept[0] is not item:
            kept = self._written[id] = (item, orjson.Fragment(orjson.dumps(self._shown(item))))
        return kept[1]

    def _refresh(self) -> None:
        if len(self._order) != len(self._items):
            self._order = list(self._items)
            self._names = Counter(item["name"] for item in self._items.values())
            self._written.clear()
