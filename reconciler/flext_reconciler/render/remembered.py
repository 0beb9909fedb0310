"""What the ledger holds: its resources, its lock, and what came back from a rescue file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..ledger import Lease, Ledger
from ..ledger.rescue import Returned
from ..model import ABSENT, FieldDiff, Json, Record, encode_value
from .documents import FORMAT_VERSION
from .safe import clean
from .table import table
from .terminal import Terminal
from .values import show_change, show_path
from .words import count


def ledger_text(
    ledger: Ledger, records: Sequence[Record], lease: Lease | None, terminal: Terminal, *, details: bool
) -> str:
    """Render where the ledger is and what it holds of some resources; with details all of it."""
    lines = [
        terminal.paint("title", f"flext ledger  {clean(ledger.environment)}"),
        "",
        clean(ledger.name),
        f"lineage {clean(ledger.lineage)}, serial {ledger.serial:,}",
        _lock(lease),
        "",
        terminal.paint("title", count(len(records), "resource")),
    ]
    if details:
        lines += [line for record in records for line in _details(record, terminal)]
    elif records:
        rows = [
            [("", clean(str(item.address))), ("", clean(item.id or "-")), ("warn", _state(item))] for item in records
        ]
        lines += table(("resource", "id", ""), rows, terminal)
    return terminal.fit("\n".join(lines) + "\n")


def ledger_document(ledger: Ledger, records: Iterable[Record], lease: Lease | None) -> dict[str, Json]:
    """Return the same as JSON; secrets are references and fingerprints."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": ledger.environment,
        "ledger": ledger.name,
        "lineage": ledger.lineage,
        "serial": ledger.serial,
        "lock": _lease(lease),
        "resources": [
            {
                "address": str(record.address),
                "id": record.id,
                "pending": None if record.pending is None else record.pending.value,
                "deletion": record.deletion.value,
                "due": record.due,
                "protect": record.protect,
                "desired": encode_value(dict(record.desired)),
                "observed": encode_value(dict(record.observed)),
            }
            for record in records
        ],
    }


def lock_text(environment: str, lease: Lease | None, terminal: Terminal) -> str:
    """Render who holds the lock."""
    lines = [f"{clean(environment)}: {_lock(lease)}"]
    if lease is not None:
        lines.append(f"  last heard of {lease.heartbeat_at:%Y-%m-%d %H:%M:%SZ}, fencing number {lease.fence}")
        lines.append(f"  to take it away: flext unlock {clean(lease.id)}" + _FORCE[lease.state.value])
    return terminal.fit("\n".join(lines) + "\n")


def lock_document(environment: str, lease: Lease | None) -> dict[str, Json]:
    """Return who holds, or held, the lock as JSON."""
    return {"format_version": FORMAT_VERSION, "environment": environment, "lock": _lease(lease)}


def returned_text(returned: Returned, terminal: Terminal) -> str:
    """Render what became of a rescue file."""
    parts = (
        ("Stored", returned.stored),
        ("Known already", returned.known),
        ("Left out, because later runs know better", returned.superseded),
    )
    lines = [f"{title}: {', '.join(clean(str(address)) for address in named)}" for title, named in parts if named]
    return terminal.fit("\n".join(lines or ["Nothing was missing."]) + "\n")


def returned_document(environment: str, returned: Returned) -> dict[str, Json]:
    """Return the same as JSON."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "stored": [str(address) for address in returned.stored],
        "known": [str(address) for address in returned.known],
        "superseded": [str(address) for address in returned.superseded],
    }


_FORCE = {"held": " --force", "expired": "", "abandoned": ""}

_LIVES = {
    "held": "held",
    "expired": "held by a process that has not been heard of for too long; anybody may take it",
    "abandoned": "held by a process that is gone; anybody may take it",
}


def _lock(lease: Lease | None) -> str:
    if lease is None:
        return "the lock is free"
    return f"the lock {clean(lease.id)} is {_LIVES[lease.state.value]}: {clean(str(lease))}"


def _lease(lease: Lease | None) -> Json:
    if lease is None:
        return None
    return {
        "id": lease.id,
        "state": lease.state.value,
        "fence": lease.fence,
        "owner": lease.owner,
        "host": lease.host,
        "pid": lease.pid,
        "purpose": lease.purpose,
        "taken_at": lease.taken_at.isoformat(),
        "heartbeat_at": lease.heartbeat_at.isoformat(),
        "ttl": lease.ttl,
    }


def _state(record: Record) -> str:
    if record.pending is not None:
        return f"{record.pending.value} under way, or cut short"
    return f"disabled, may be deleted from {clean(record.due)}" if record.due else ""


def _details(record: Record, terminal: Terminal) -> Iterator[str]:
    yield terminal.paint("title", clean(str(record.address)))
    yield f"    id  {clean(record.id or '-')}"
    if state := _state(record):
        yield f"    {terminal.paint('warn', state)}"
    yield from _fields("applied", record.desired)
    yield from _fields("found right after", record.observed)


def _fields(title: str, spec: Mapping[str, Json]) -> Iterator[str]:
    yield f"    {title}:"
    for name, value in sorted(spec.items()):
        yield f"      {show_path((name,))}  {show_change(FieldDiff((name,), ABSENT, value))}"
