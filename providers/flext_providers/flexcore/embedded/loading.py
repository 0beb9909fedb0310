"""What a deploy asks for, and what FlexCore makes of it."""

from __future__ import annotations

import base64
import json
from pathlib import PurePosixPath

from .plugin_map import Item

_FACTORIES = {
    "meltano": ("Meltano runtime", ["singer.tap.execute", "dbt.model.execute", "meltano.schedule.execute"]),
    "ray": ("Ray runtime", ["task.submit", "cluster.scale"]),
    "kubernetes": ("Kubernetes runtime", ["deployment.scale", "pod.list"]),
}
_FIELDS = {
    "plugin_id": (str, "string"),
    "plugin_type": (str, "string"),
    "source_node_id": (str, "string"),
    "config": (dict, "object"),
    "binary_url": (str, "string"),
    "binary_data": (str, "base64 string"),
}
_REQUIRED = ("plugin_id", "plugin_type", "source_node_id")


def deployment(body: bytes) -> Item:
    """Read a deploy's body; raises ValueError for what FlexCore refuses with 400."""
    wanted = json.loads(body)
    if not isinstance(wanted, dict):
        raise ValueError("cannot read an object from it")
    for field, (kind, name) in _FIELDS.items():
        if wanted.get(field) is not None and not isinstance(wanted[field], kind):
            raise ValueError(f"{field} must be a {name}")
    for field in _REQUIRED:
        if not wanted.get(field):
            raise ValueError(f"{field} is required")
    base64.b64decode(wanted.get("binary_data") or "", validate=True)
    return wanted


def loaded(wanted: Item, *, factories: bool) -> Item:
    """Load a plugin; raises ValueError for what FlexCore fails at with 500."""
    config, binary, plugin_type = wanted.get("config"), wanted.get("binary_url"), wanted["plugin_type"]
    if wanted.get("binary_data"):
        raise ValueError("loading a plugin from binary data is not yet implemented")
    if binary:
        if not binary.endswith(".so"):
            raise ValueError(f"cannot open {binary}: no such file")
        name = PurePosixPath(binary).stem
        return {"name": name, "type": "extension", "version": "1.0.0", "capabilities": None, "config": config}
    if not factories or plugin_type not in _FACTORIES:
        raise ValueError(f"no factory registered for plugin type {plugin_type}")
    if not isinstance((config or {}).get("flexcore_node_url"), str):
        raise ValueError(f"cannot initialise: flexcore_node_url is required, config is {json.dumps(config)}")
    name, capabilities = _FACTORIES[plugin_type]
    return {"name": name, "type": plugin_type, "version": "2.0.0", "capabilities": capabilities, "config": config}
