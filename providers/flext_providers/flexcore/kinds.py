"""What FlexCore holds, in the words of its users (contract §1.3, §8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints

from flext_reconciler.spec import Immutable, Local, Spec, Version


class Plugin(Spec):
    """A plugin that FlexCore runs; it cannot be changed in place, so every difference replaces it."""

    type: Annotated[str, StringConstraints(min_length=1), Immutable()]
    config: Annotated[dict[str, Any], Immutable()] = Field(default_factory=dict)
    binary_url: Annotated[str, StringConstraints(min_length=1), Immutable()] = ""
    enabled: Annotated[bool, Local()] = True
    expect_version: Annotated[Version | None, Local()] = None
    health_gate: Annotated[Literal["none", "degraded", "healthy"], Local()] = "none"
    health_limit: Annotated[int, Field(ge=0, le=3600), Local()] = 60

    enabled_by: ClassVar[str | None] = "enabled"
    gates: ClassVar[frozenset[str]] = frozenset({"expect_version", "health_gate"})
    outage: ClassVar[str] = (
        "the plugin is gone from its removal until the new one has started; what it runs is cut short"
    )


KINDS: Mapping[str, type[Spec]] = {"plugin": Plugin}
