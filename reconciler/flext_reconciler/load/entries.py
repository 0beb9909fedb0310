"""The written shape of a document and of an environment file; the JSON Schema is made from the same models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

ServiceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]{0,62}$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e\t]*$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/]|~[01])+)+$")]
Signers = Annotated[int, Field(ge=0, le=20)]


class Entry(BaseModel):
    """Base of what is written in YAML: strict, closed, and silent about the values it refuses."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class LifecycleEntry(Entry):
    """What the author of a resource allows flext to do with it."""

    protect: bool = Field(False, description="Refuse to delete or replace the resource.")
    ignore: list[Pointer] = Field([], description="JSON pointers into the spec whose differences do not count.")
    adopt: bool = Field(False, description="Take the resource over when it exists and is not ours.")
    delete: Literal["two-phase", "immediate"] = Field(
        "two-phase",
        description="How it goes once it is no longer declared: disabled first where that is possible, or at once.",
    )


_NO_LIFECYCLE = LifecycleEntry()


class DocumentEntry(Entry):
    """One declared resource."""

    kind: str = Field(description="What the resource is.")
    name: str = Field(description="Its name, unique within its service and kind.")
    service: str | None = Field(None, description="The service that holds it, when several offer the kind.")
    labels: dict[str, str] = Field(
        default_factory=dict, description="Free words for people and filters; never sent to a service."
    )
    depends_on: list[str] = Field(
        default_factory=list, description="Addresses to apply first, beyond what references already say."
    )
    lifecycle: LifecycleEntry = Field(default_factory=lambda: _NO_LIFECYCLE, description="What flext may do with it.")
    spec: dict[str, Any] = Field(
        default_factory=dict, description="The fields of the kind. What is left out is not managed."
    )


class ServiceEntry(Entry):
    """A configured endpoint."""

    url: str = Field(description="`http(s)://host:port`, or `embedded` for the provider's own imitation.")
    timeout: float = Field(30.0, gt=0, le=3600, description="Seconds for one request.")
    provider: str | None = Field(None, description="The provider's name, when it differs from the service's.")
    token: str | None = Field(None, min_length=1, description="A reference; sent as a bearer token to `url` only.")
    headers: dict[HeaderName, HeaderValue] = Field({}, description="Sent with every request, to `url` only.")
    ca_file: str | None = Field(None, description="Certificates to trust, a file inside the desired state.")
    allow_insecure: bool = Field(False, description="Let secrets travel over plain http off this machine.")
    settings: dict[str, Any] = Field({}, description="The provider's own settings.")


class PatchEntry(Entry):
    """What differs for one resource in this environment; null removes."""

    spec: dict[str, Any] = Field({}, description="Merged into the resource's spec.")
    labels: dict[str, Any] = Field({}, description="Merged into its labels.")
    lifecycle: dict[str, Any] = Field({}, description="Merged into its lifecycle.")


class SignersEntry(Entry):
    """How many people must have signed a plan before it is applied, by its risk."""

    low: Signers = Field(0, description="For a plan that only adds.")
    medium: Signers = Field(0, description="For a plan that changes something in place.")
    high: Signers = Field(0, description="For a plan that replaces or deletes something.")


class PolicyEntry(Entry):
    """What an apply in this environment needs beyond what is declared."""

    require_signers: SignersEntry = Field(SignersEntry(), description="Signatures by distinct keys, by risk.")


class EnvironmentEntry(Entry):
    """An environment file."""

    services: dict[ServiceName, ServiceEntry] = Field(min_length=1, description="The endpoints, by name.")
    vars: dict[VariableName, Any] = Field({}, description="Values for ${var:NAME}.")
    patches: dict[str, PatchEntry] = Field({}, description="What differs in this environment, by address.")
    policy: PolicyEntry = Field(PolicyEntry(), description="What an apply needs.")
    defaults: dict[str, str] = Field(
        default_factory=dict, description="The service of a kind that several services offer."
    )
    ledger: str | None = Field(
        None, min_length=1, description="A PostgreSQL database for the ledger: its URL, the password a reference."
    )
