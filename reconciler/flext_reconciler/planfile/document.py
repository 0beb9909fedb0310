"""The shape of the plan document, written once: readers check it, and the published JSON Schema is made from it.

Slow to import; the neighbours do so only when a document is read.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.json_schema import GenerateJsonSchema

from ..model import ABSENT, Action, BlockCode, Deletion, Drift, Effect, Json, Reason, Risk
from .encode import FORMAT_VERSION

AddressText = Annotated[
    str, StringConstraints(pattern=r"^[^./]+\.[^/]+/[\s\S]+$"), Field(description="`service.kind/name`")
]
Count = Annotated[int, Field(ge=0)]
Fingerprints = dict[AddressText, str]
Value = Annotated[
    Any,
    Field(
        description="A JSON value. `{$secret: {reference, fingerprint}}` stands for a secret, `{$deferred: {reference,"
        " address, path}}` for a value known only during apply; a key `$$secret` or `$$deferred` loses one `$`."
    ),
]
# A document holds words; the enumerations below are what they are read as, so these alone are not strict.
_Word = Field(strict=False)


class _Document(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)


class PlaceDocument(_Document):
    """Where in the YAML something stands; line and column count from 1."""

    file: str
    line: int
    column: int


class PathDocument(_Document):
    """A place in a spec."""

    path: Annotated[str, Field(pattern=r"^(/[\s\S]*)?$", description="JSON pointer into the spec")]
    keys: list[Count] = Field(
        default_factory=list, description="Positions in `path` of keys that look like list indexes"
    )


class FieldDocument(PathDocument):
    """One field that differs; what has no value is missing.

    `after` is wanted and `actual` was read; `before` is that, or what was last applied where the service shows nothing.
    Of what moved since its plan was made, `before` was planned from, `after` is there now, and `wanted` was wanted.
    """

    before: Value = Field(default_factory=lambda: ABSENT)
    after: Value = Field(default_factory=lambda: ABSENT)
    actual: Value = Field(default_factory=lambda: ABSENT)
    wanted: Value = Field(default_factory=lambda: ABSENT)
    reason: Annotated[Reason | None, _Word] = None
    effect: Annotated[Effect, _Word]
    drift: Annotated[Drift | None, _Word]
    secret: bool
    note: str


class ChangeDocument(_Document):
    """One action on one resource."""

    address: AddressText
    action: Annotated[Action, _Word]
    reason: Annotated[Reason, _Word]
    risk: Annotated[Risk, _Word]
    place: PlaceDocument | None
    id: str | None
    depends_on: list[AddressText]
    fields: list[FieldDocument]
    desired: dict[str, Value] | None
    actual: dict[str, Value] | None
    base: Annotated[str, Field(description="Fingerprint of what was read; apply refuses when it moved")]
    notes: list[str]
    uses: Fingerprints = Field(
        default_factory=dict,
        description="What it relies on and the plan does not change → fingerprint of what was read",
    )
    deletion: Annotated[Deletion, _Word] = Field(
        Deletion.TWO_PHASE, description="How it goes once it is no longer declared; for the ledger to remember"
    )
    protect: bool = Field(False, description="Its author forbids removing it; for the ledger to remember")
    grace: Count | None = Field(None, description="Only disables, and announces a delete in so many days")


class BlockedDocument(_Document):
    """A resource that stays as it is, and why."""

    address: AddressText
    code: Annotated[BlockCode, _Word]
    message: str
    hint: str
    place: PlaceDocument | None
    fields: list[FieldDocument] = Field(default_factory=list, description="What is held back with it")


class ViolationDocument(_Document):
    """A guard that forbids applying the whole plan, and the flag that lifts it."""

    code: str
    message: str
    flag: str


class DriftDocument(_Document):
    """A resource that no longer is as it was applied."""

    address: AddressText
    drift: Annotated[Drift, _Word]
    fields: list[FieldDocument]
    message: str
    others: list[AddressText] = Field(default_factory=list, description="Of which exactly the same is to be said")


class ImpactDocument(_Document):
    """What else is touched when the disruptive changes run."""

    outages: list[AddressText] = Field(default_factory=list, description="Replaced or deleted")
    dependents: list[AddressText] = Field(default_factory=list, description="Depend on those, and do not change")


class IrreversibleDocument(PathDocument):
    """Something that nothing can undo; an empty path means the whole resource."""

    address: AddressText
    why: str


class InverseDocument(_Document):
    """What takes the plan back; `flext rollback` plans from it."""

    changes: list[ChangeDocument] = Field(default_factory=list)
    forget: list[AddressText] = Field(default_factory=list, description="Adopted by the plan")
    irreversible: list[IrreversibleDocument] = Field(default_factory=list)


class SummaryDocument(_Document):
    """The plan in numbers; derived from the rest of the document."""

    create: Count
    update: Count
    replace: Count
    delete: Count
    adopt: Count
    unchanged: Count
    blocked: Count
    violations: Count
    drifted: Count
    prunable: Count
    unmanaged: Count
    risk: Annotated[Risk, _Word]


class MetaDocument(_Document):
    """What says nothing about the plan; the only part that the plan's fingerprint leaves out."""

    flext: Annotated[str, Field(description="The version of flext that wrote the document")]
    expires: Annotated[
        str | None,
        Field(description="When it is no longer to be applied", json_schema_extra={"format": "date-time"}),
    ] = None
    fingerprint: Annotated[
        str,
        Field(
            description="SHA-256 over the canonical JSON of the rest of `meta` and of the plan's fingerprint, `plan`"
        ),
    ] = ""


class PlanDocument(_Document):
    """Everything a `flext apply` would do. Readers accept members they do not know."""

    format_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$")]
    fingerprint: Annotated[str, Field(description="SHA-256 over the canonical JSON of all members but this and `meta`")]
    meta: MetaDocument
    environment: str
    services: Annotated[dict[str, str], Field(description="Name of a service → its origin")]
    revision: Annotated[
        str,
        Field(description="Git revision of the desired state, with `-dirty` when that does not hold it; may be empty"),
    ] = ""
    lineage: Annotated[str, Field(description="Names the ledger that the plan was made with")]
    serial: Count
    complete: Annotated[bool, Field(description="False when `--target` left something out")]
    undoes: Annotated[Count, Field(description="The run that the plan rolls back, or 0")] = 0
    unchanged: Count
    kinds: Annotated[dict[str, Count], Field(description="`service.kind` → how many are ours")]
    summary: SummaryDocument
    changes: list[ChangeDocument]
    execution_groups: Annotated[
        list[list[AddressText]], Field(description="What stands in one group may run at once; groups run in order")
    ]
    blocked: list[BlockedDocument]
    violations: list[ViolationDocument]
    drift: list[DriftDocument]
    impact: ImpactDocument = Field(default_factory=ImpactDocument)
    inverse: InverseDocument = Field(default_factory=InverseDocument)
    objects: Fingerprints = Field(default_factory=dict, description="Fingerprint of everything that was read")
    prunable: list[AddressText]
    unmanaged: list[AddressText]
    notices: list[str]


class _Untitled(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # a title that only repeats its name


def json_schema() -> dict[str, Json]:
    """Return the JSON Schema of the plan document."""
    generated = PlanDocument.model_json_schema(schema_generator=_Untitled)
    head = {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:flext:plan:{FORMAT_VERSION}"}
    return {**head, **generated, "title": "flext plan"}
