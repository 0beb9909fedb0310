"""Puts plugins that were read from another FlexCore into an embedded one, variant included."""

from __future__ import annotations

from collections.abc import Iterable

from flext_reconciler.model import Actual, Presence, Support
from flext_reconciler.sandbox import Sandbox

_VARIANTS = {"flexcore-node": "node_variant", "flexcore-infra": "infra_variant"}


def restore(sandbox: Sandbox, support: Support, actuals: Iterable[Actual]) -> None:
    """Make an embedded FlexCore hold exactly what was read."""
    present = [actual for actual in actuals if actual.presence is Presence.PRESENT]
    variant = _VARIANTS.get(support.variant)
    if variant is not None:
        sandbox.faults.switch_on(variant)
    name = "node" if variant == "node_variant" else "plugins"
    collection = sandbox.store.collection(name)
    collection.clear()
    for actual in present:
        plugin = actual.address.name
        collection[plugin] = {
            "name": plugin,
            "type": actual.spec.get("type", "extension"),  # the binary's own, which is not compared
            "version": actual.facts.get("version") or "1.0.0",
            "capabilities": None,
            "config": actual.spec.get("config"),
        }
