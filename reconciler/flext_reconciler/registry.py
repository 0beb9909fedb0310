"""Finds the installed providers: entry points of the group `flext.providers`, each naming one `Provider`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from .errors import FlextError
from .provider import Provider

GROUP = "flext.providers"


def load_providers() -> Mapping[str, Provider]:
    """Import every installed provider, by name; raises FlextError for one that cannot be imported."""
    found: dict[str, Provider] = {}
    for point in sorted(entry_points(group=GROUP)):
        try:
            provider: Provider = point.load()
        except (ImportError, AttributeError) as error:
            raise FlextError(
                f"the provider {point.name!r} ({point.value}) cannot be loaded: {error}",
                hint="Install it again, or remove the package that announces it.",
            ) from error
        if provider.name in found:
            raise FlextError(
                f"two installed providers are named {provider.name!r}", hint="Remove the package of one of them."
            )
        found[provider.name] = provider
    return found
