"""What the embedded FlexCore can be told to do, beside the faults that every embedded service has."""

from __future__ import annotations

from collections.abc import Mapping

FAULTS: Mapping[str, str] = {
    "no_factories": "No plugin type has a factory, as in stock FlexCore: only a binary can be deployed.",
    "slow_deploy": "A deploy's connection is dropped, and the plugin stored a while later (`seconds`, else 0.2).",
    "slow_commit": "A deploy writes the plugin map for a while (`seconds`, else 0.2), so that overlaps are caught.",
    "config_not_reported": "Plugins keep their config to themselves.",
    "unhealthy": "Plugins report that they are unhealthy.",
    "degraded": "Plugins report that they are degraded.",
    "health_fails": "Asking a plugin for its health answers 500.",
    "node_variant": "The service is a flexcore-node: it configures demo plugins in place and deploys none.",
    "infra_variant": "The service is a flexcore-container: it answers with canned data.",
}
