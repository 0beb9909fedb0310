"""Secrets of which only the fingerprint is known, and the placeholders that travel in their stead."""

from __future__ import annotations

import re

from ..model import Json, Secret
from ..references import Fingerprinter

_PLACEHOLDER = re.compile(r"placeholder-([0-9a-f]+)")


class Placeholders(Fingerprinter):
    """Fingerprints a placeholder as the secret that it stands for."""

    def __init__(self, real: Fingerprinter) -> None:
        self._real = real

    def of(self, value: Json) -> str:
        """Return the fingerprint of a value, or of what it stands for."""
        stands_for = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
        return stands_for[1] if stands_for else self._real.of(value)


def placeholder(secret: Secret) -> str:
    """Return what stands for a secret: equal for equal secrets, and worth nothing."""
    return f"placeholder-{secret.fingerprint}"
