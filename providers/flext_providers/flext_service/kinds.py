"""What a FLEXT Service holds, in the words of its users (contract §2.2, §5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    WrapValidator,
    field_validator,
    model_validator,
)

from flext_reconciler.model import Json, glance
from flext_reconciler.spec import (
    AppendOnly,
    Author,
    Cleared,
    Description,
    Immutable,
    MergeOnly,
    Name,
    Schedule,
    Spec,
    Tag,
    Unordered,
    Version,
)

MARK = "flext-managed"
"""The tag that says that a pipeline is ours."""


def _no_markup(text: str) -> str:
    if "<" in text or ">" in text:
        raise ValueError("leave < and > out: the service rewrites what looks like markup")
    return text


def _or_empty(text: Any, validate: Callable[[Any], Any]) -> Any:
    return text if text == "" else validate(text)


_EXACT = 2**53  # beyond it a float no longer tells neighbours apart
_FLOAT = re.compile(rb"\d(?:\.\d+(?:e-?\d+)?|e-?\d+)[,\]}]")  # with a fraction or an exponent, where a value ends
Plain = AfterValidator(_no_markup)
Word = Annotated[str, Plain]
Map = dict[str, Any]


class Part(BaseModel):
    """Base of what stands inside a spec; as strict as a spec."""

    model_config = Spec.model_config

    @classmethod
    def filled(cls, value: Json) -> Json:
        """Fill in what the service reports of a part where its author wrote nothing."""
        if not isinstance(value, Mapping):
            return value
        return {**_defaults(cls), **{name: item for name, item in value.items() if item is not None}}


@cache
def _defaults(part: type[Part]) -> Mapping[str, Json]:
    fields = {info.alias or name: info for name, info in part.model_fields.items() if not info.is_required()}
    defaults = {name: info.get_default(call_default_factory=True) for name, info in fields.items()}
    return {name: default for name, default in defaults.items() if default is not None}


class Port(Part):
    """Where data enters or leaves a plugin."""

    name: str
    type: str
    required: bool = False
    description: str = ""
    data_schema: Map = Field(alias="schema", default_factory=dict)


class Step(Part):
    """One step of a pipeline, run by a plugin."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    plugin: Name
    configuration: Map = Field(default_factory=dict)
    depends_on: list[str] = Field(default_factory=list)


class Setting(Part):
    """One setting that a tap or target understands."""

    type: Literal["string", "integer", "number", "boolean", "array", "object"]
    description: Description = ""
    default: Any = None
    enum: list[str] = Field(default_factory=list)
    format: str = ""
    minimum: int | float | None = None
    maximum: int | float | None = None
    secret: bool = False


class Settings(Part):
    """The settings that a tap or target understands."""

    properties: dict[str, Setting] = Field(default_factory=dict)
    required: list[str] = Field(default_factory=list)


class Capabilities(Part):
    """What a tap or target is able to do."""

    discovery: bool = False
    properties: bool = False
    catalog: bool = False
    state: bool = False
    test_connection: bool = False
    about_info: bool = False
    stream_maps: bool = False
    schema_flattening: bool = False
    supported_formats: list[str] = Field(default_factory=list)
    supported_protocols: list[str] = Field(default_factory=list)


_NO_SETTINGS, _NO_CAPABILITIES = Settings(), Capabilities()  # frozen, and copying them for each spec is slow


class ServiceSpec(Spec):
    """Base of the kinds: the service trims texts, and writes 1.0 as 1 like every Go program."""

    @classmethod
    def normalise(cls, spec: Mapping[str, Json]) -> dict[str, Json]:
        """Bring fields to the form in which the service reports them."""
        reported = _as_reported(spec)
        for name in ("description", "author"):
            if isinstance(reported.get(name), str):
                reported[name] = reported[name].strip()
        return super().normalise(reported)


class Plugin(ServiceSpec):
    """A registered plugin; the service changes nothing of it but its description, author and status."""

    type: Annotated[Literal["source", "target", "transformer", "utility"], Immutable()]
    version: Annotated[Version, Immutable()]
    entry_point: Annotated[str, StringConstraints(min_length=1), Plain, Immutable()]
    description: Annotated[Description, Plain, Cleared("")] = ""
    author: Annotated[Author, Plain, Cleared("")] = ""
    status: Annotated[Literal["active", "inactive"], Cleared("active")] = "active"
    dependencies: Annotated[list[Annotated[str, Plain]], Unordered(), Immutable(), Cleared([])] = Field(
        default_factory=list
    )
    ports: Annotated[list[Port], Immutable(), Cleared([])] = Field(default_factory=list)
    configuration: Annotated[Map, Immutable(), Cleared({})] = Field(default_factory=dict)

    disabled_by: ClassVar[Mapping[str, Json]] = {"status": "inactive"}
    outage: ClassVar[str] = "pipelines whose steps use it lose it until they are replaced too"

    @classmethod
    def normalise(cls, spec: Mapping[str, Json]) -> dict[str, Json]:
        """Fill what the service fills in every port."""
        return super().normalise(_each(spec, ports=lambda ports: [Port.filled(port) for port in ports]))


class Pipeline(ServiceSpec):
    """Steps run on a schedule; the service can add steps and configuration keys, and take none away."""

    description: Annotated[Description, Cleared("")] = ""
    tags: Annotated[list[Tag], Unordered(), Cleared([])] = Field(default_factory=list)
    configuration: Annotated[Map, MergeOnly(), Cleared({})] = Field(default_factory=dict)
    schedule: Annotated[Schedule, WrapValidator(_or_empty), Cleared("")] = ""
    active: Annotated[bool, Cleared(False)] = False
    steps: Annotated[list[Step], AppendOnly(), Cleared([])] = Field(default_factory=list)

    mark_field: ClassVar[str | None] = "tags"
    names_repeat: ClassVar[bool] = True
    refers_to: ClassVar[Mapping[tuple[str | int, ...], str]] = {("steps", "*", "plugin"): "plugin"}
    disabled_by: ClassVar[Mapping[str, Json]] = {"active": False}
    outage: ClassVar[str] = "it does not run until it is created again, and its run history is lost"

    @field_validator("tags")
    @classmethod
    def _tags_of_the_user(cls, tags: list[str]) -> list[str]:
        if MARK in tags:
            raise ValueError(f"leave the tag {MARK} out: flext sets it itself")
        if len(set(tags)) < len(tags):
            raise ValueError("a tag stands twice")
        if len(tags) > 19:
            raise ValueError(f"{len(tags)} tags are too many: the service takes 20, and one is {MARK}")
        return tags

    @field_validator("steps")
    @classmethod
    def _steps_in_order(cls, steps: list[Step]) -> list[Step]:
        known: set[str] = set()
        for step in steps:
            if step.name in known:
                raise ValueError(f"two steps are named {step.name!r}")
            for needed in step.depends_on:
                if needed not in known:
                    raise ValueError(f"step {step.name!r} depends on {needed!r}, which is not a step before it")
            known.add(step.name)
        return steps

    @model_validator(mode="after")
    def _runs_something(self) -> Pipeline:
        if self.active and not self.steps:
            raise ValueError("an active pipeline needs a step")
        return self

    @classmethod
    def normalise(cls, spec: Mapping[str, Json]) -> dict[str, Json]:
        """Fill what the service fills in every step; the order of dependencies means nothing."""
        return super().normalise(_each(spec, steps=lambda steps: [_step(step) for step in steps]))


class SingerSpec(ServiceSpec):
    """How to run a Singer program; a change of version or executable replaces it."""

    version: Annotated[Version, Immutable()]
    executable: Annotated[str, StringConstraints(min_length=1), Immutable()]
    description: Annotated[Description, Cleared("")] = ""
    author: Annotated[Author, Cleared("")] = ""
    settings: Annotated[Settings, Cleared(Settings.filled({}))] = Field(default_factory=lambda: _NO_SETTINGS)
    capabilities: Annotated[Capabilities, Cleared(Capabilities.filled({}))] = Field(
        default_factory=lambda: _NO_CAPABILITIES
    )
    config_template: Annotated[Map, Cleared({})] = Field(default_factory=dict)
    environment_vars: Annotated[dict[str, str], Cleared({})] = Field(default_factory=dict)
    active: Annotated[bool, Cleared(True)] = True

    disabled_by: ClassVar[Mapping[str, Json]] = {"active": False}
    outage: ClassVar[str] = "nothing can be run with it until it is created again, and its run history is lost"

    @classmethod
    def normalise(cls, spec: Mapping[str, Json]) -> dict[str, Json]:
        """Fill what the service fills in settings and capabilities."""
        return super().normalise(_each(spec, settings=_settings, capabilities=Capabilities.filled))


class Tap(SingerSpec):
    """A Singer program that extracts."""


class Target(SingerSpec):
    """A Singer program that loads."""


KINDS: Mapping[str, type[Spec]] = {"plugin": Plugin, "tap": Tap, "target": Target, "pipeline": Pipeline}


def _each(spec: Mapping[str, Json], **changes: Callable[[Json], Json]) -> dict[str, Json]:
    """Change the named fields of a spec where they hold a list or a map, and not a reference."""
    return {
        name: changes[name](value) if name in changes and isinstance(value, list | Mapping) else value
        for name, value in spec.items()
    }


def _step(step: Json) -> Json:
    step = Step.filled(step)
    if isinstance(step, Mapping) and _are_texts(step["depends_on"]):
        return {**step, "depends_on": sorted(step["depends_on"])}
    return step


def _settings(settings: Json) -> Json:
    if not isinstance(settings, Mapping):
        return settings
    normal: dict[str, Json] = Settings.filled(settings)
    if isinstance(normal["properties"], Mapping):
        normal["properties"] = {name: Setting.filled(value) for name, value in normal["properties"].items()}
    if _are_texts(normal["required"]):
        normal["required"] = sorted(normal["required"])
    return normal


def _are_texts(values: Json) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _as_reported(spec: Mapping[str, Json]) -> dict[str, Json]:
    """Write integral floats as integers; hardly any spec holds a float, and bytes tell so sooner than a walk."""
    return _integral(spec) if _FLOAT.search(glance(spec)) else dict(spec)


def _integral(value: Json) -> Json:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, Mapping):
        return {name: _integral(item) for name, item in value.items()}
    return [_integral(item) for item in value] if isinstance(value, list) else value
