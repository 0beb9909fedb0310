"""Three small kinds that carry every marker between them, for tests of the pure engine.

tank   cannot carry a mark; may keep `recipe` and `password` to itself
flow   carries our mark in `tags`; refers to tanks by name, in place and in steps that can only be appended
view   cannot carry a mark; refers to a flow for good; can be hidden before it is deleted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from flext_reconciler.model import Json, Path
from flext_reconciler.spec import AppendOnly, Cleared, Immutable, Local, MergeOnly, Sensitive, Spec, Unordered

SERVICE = "toy"


class Tank(Spec):
    type: Annotated[str, Immutable()] = "steel"
    grade: Annotated[str, Immutable(), Cleared("plain")] = "plain"
    size: int = 0
    note: Annotated[str, Cleared("")] = ""
    config: dict[str, Any] = Field(default_factory=dict)
    recipe: Annotated[dict[str, Any], Immutable()] = Field(default_factory=dict)
    password: Annotated[str, Sensitive()] = ""
    patience: Annotated[int, Local()] = 0
    enabled: bool = True

    enabled_by: ClassVar[str | None] = "enabled"
    gates: ClassVar[frozenset[str]] = frozenset({"patience"})
    outage: ClassVar[str] = "it is empty for a while"


class Flow(Spec):
    title: Annotated[str, Cleared("")] = ""
    tags: Annotated[list[str], Unordered(), Cleared([])] = Field(default_factory=list)
    settings: Annotated[dict[str, Any], MergeOnly(), Cleared({})] = Field(default_factory=dict)
    steps: Annotated[list[dict[str, Any]], AppendOnly()] = Field(default_factory=list)
    tank: str = ""
    tank_id: str = ""
    enabled: Annotated[bool, Local()] = True

    refers_to: ClassVar[Mapping[Path, str]] = {("tank",): "tank", ("steps", "*", "tank"): "tank"}
    enabled_by: ClassVar[str | None] = "enabled"
    mark_field: ClassVar[str | None] = "tags"


class View(Spec):
    flow: Annotated[str, Immutable()] = ""
    title: str = ""
    shown: Annotated[bool, Cleared(True)] = True

    disabled_by: ClassVar[Mapping[str, Json]] = {"shown": False}
    refers_to: ClassVar[Mapping[Path, str]] = {("flow",): "flow"}


KINDS: Mapping[tuple[str, str], type[Spec]] = {
    (SERVICE, "tank"): Tank,
    (SERVICE, "flow"): Flow,
    (SERVICE, "view"): View,
}
