"""Where an embedded service keeps its objects: memory, written through to one SQLite file when there is a path."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import FlextError

if TYPE_CHECKING:
    import sqlite3

Item = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS item (
    position INTEGER PRIMARY KEY, collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    UNIQUE (collection, key)
)
"""
_UPSERT = (
    "INSERT INTO item (collection, key, value) VALUES (?, ?, ?) "
    "ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value"
)


class Store:
    """Named collections that survive the process when a path is given and are forgotten when not.

    To be used by one thread at a time, which a single event loop is. Every change is in the file when its call
    returns, so that killing the process loses nothing.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._collections: dict[str, Collection] = {}
        self._database = None if path is None else _open(path)

    def collection(self, name: str) -> Collection:
        """Return the collection of that name, always the same object."""
        if name not in self._collections:
            self._collections[name] = Collection(name, self._database)
        return self._collections[name]

    def clear(self) -> None:
        """Forget everything in every collection, opened or not."""
        for collection in self._collections.values():
            collection._items.clear()
        if self._database is not None:
            self._database.execute("DELETE FROM item")

    def close(self) -> None:
        """Close the file; memory can still be read, a store with a path can no longer be written."""
        if self._database is not None:
            self._database.close()


class Collection(MutableMapping[str, Item]):
    """Objects by key, in order of insertion; a value is replaced by assignment and never changed in place."""

    def __init__(self, name: str, database: sqlite3.Connection | None) -> None:
        self._name = name
        self._database = database
        self._items: dict[str, Item] = {}
        if database is not None:
            rows = database.execute("SELECT key, value FROM item WHERE collection = ? ORDER BY position", (name,))
            self._items.update((key, json.loads(value)) for key, value in rows)

    def __getitem__(self, key: str) -> Item:
        return self._items[key]

    def __setitem__(self, key: str, value: Item) -> None:
        if self._database is not None:
            self._database.execute(_UPSERT, (self._name, key, json.dumps(value)))
        self._items[key] = value

    def __delitem__(self, key: str) -> None:
        del self._items[key]
        if self._database is not None:
            self._database.execute("DELETE FROM item WHERE collection = ? AND key = ?", (self._name, key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def _open(path: Path) -> sqlite3.Connection:
    import sqlite3

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The store is made by one thread and then used by the server's: one at a time, all the same.
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from None
    try:
        # Safe when the process dies, which is all that an imitation has to survive.
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")
        database.execute(_SCHEMA)
    except sqlite3.Error as error:
        database.close()
        raise _unusable(path, error) from None
    return database


def _unusable(path: Path, error: Exception) -> FlextError:
    return FlextError(
        f"{path}: the embedded service cannot keep its state there: {error}",
        hint="It holds nothing but the embedded service's state: delete it, or choose another place.",
    )
