"""What an environment changes about a resource, and which of the two files a node then comes from."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import Place
from ..model import Json, Path
from .problems import Spot


def merged(value: Json, patch: Json) -> Json:
    """Return a value with a JSON merge patch (RFC 7396) applied: mappings merge, null removes, the rest replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, item in patch.items():
        if item is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), item)
    return result


class Origin(NamedTuple):
    """Where a document is written: its own place, and the patch that an environment puts over it."""

    spot: Spot
    patch_spot: Spot | None = None
    patch: Json = None

    @property
    def place(self) -> Place:
        """Where the document starts."""
        return self.spot.source.place(self.spot.target.document)

    def where(self, path: Path, key: bool = False) -> Spot:
        """Return the spot of a node of the patched document."""
        if self.patch_spot is not None:
            above = _written_in(self.patch, path)
            if above is not None:
                return self.patch_spot.at(*above, key=key and above == path)
        return self.spot.at(*path, key=key)


def _written_in(patch: Json, path: Path) -> Path | None:
    # A patch says what a node is when its own leaf lies at or above the path.
    for length, part in enumerate(path):
        if not isinstance(patch, dict):
            return path[:length]
        if part not in patch:
            return None
        patch = patch[part]
    return None if isinstance(patch, dict) else path
