"""Values to and from the ledger's rows. Reading raises KeyError, TypeError or ValueError for what was never written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from ..model import (
    Action,
    Address,
    Deletion,
    Json,
    Outcome,
    Record,
    Status,
    Touch,
    decode_value,
)
from ..planfile.decode import read_fields
from ..planfile.encode import MARKED, dump_fields
from .store import Row, Value

RECORD = ("address", "id", "desired", "observed", "deletion", "due", "protect")
"""The columns of a record, as `read_record` reads them."""


@dataclass(frozen=True, slots=True)
class Run:
    """One apply, as the history tells it."""

    id: int
    started: datetime
    ended: datetime | None  # None while it goes on, and for ever when it was killed
    who: str
    plan: str  # the plan's fingerprint; empty when there was none
    result: str  # empty until it ends
    revision: str = ""  # of the desired state in Git
    outcomes: tuple[Outcome, ...] = ()  # by address
    undoes: int = 0  # the run that this one took back, or 0
    unknown: Mapping[Address, Action] = field(default_factory=dict)  # begun; nobody wrote down how that ended


def read_identity(rows: Sequence[Row]) -> tuple[str, int, bytes]:
    """Read (lineage, serial, key) from the one row that holds them."""
    ((lineage, serial, key),) = rows
    if not isinstance(lineage, str) or not isinstance(serial, int) or not isinstance(key, bytes) or len(key) != 32:
        raise TypeError("its identity is lost")
    return lineage, serial, key


def read_spec(stored: bytes) -> Mapping[str, Json]:
    """Return a stored spec."""
    spec = orjson.loads(stored)
    if MARKED in stored:  # few are, and decoding is a copy
        spec = decode_value(spec)
    if not isinstance(spec, dict):
        raise TypeError("a spec is a mapping")
    return spec


Intent = tuple[Action, bytes]
"""What was to be done, and the change as it was written down."""


def read_record(row: Row, intents: Sequence[Intent] = ()) -> Record:
    """Read the columns of `RECORD`, and the open intents, oldest first."""
    address, id, desired, observed, deletion, due, protect = row
    specs, how = (read_spec(desired), read_spec(observed)), Deletion(deletion)
    record = Record(_address(address), id, *specs, deletion=how, protect=bool(protect), due=due)
    return _intended(record, intents)


def read_intents(address: str, intents: Sequence[Intent]) -> Record:
    """Return what is known of a resource of which only intents were written down."""
    return _intended(Record(_address(address), None, _wanted(intents[-1]), {}), intents)


def _intended(record: Record, intents: Sequence[Intent]) -> Record:
    if not intents:
        return record
    last, attempted = intents[-1], tuple(_wanted(intent) for intent in intents)
    protect = record.protect or any(map(_protects, intents))
    return replace(record, id=_met(record.id, *last), pending=last[0], attempted=attempted, protect=protect)


def _wanted(intent: Intent) -> Mapping[str, Json]:
    desired = orjson.loads(intent[1])["desired"]
    return {} if desired is None else decode_value(desired)


def _protects(intent: Intent) -> bool:
    return orjson.loads(intent[1]).get("protect") is True


def _met(id: str | None, action: Action, stored: bytes) -> str | None:
    """Return the id that an intent was about: the run that wrote it had found the object to be ours.

    An earlier run may have made it and died before it could write that down. What was to be adopted was not ours yet.
    """
    return id if action is Action.ADOPT else orjson.loads(stored)["id"] or id


def dump_outcome(run: int, outcome: Outcome) -> dict[str, Value]:
    """Return an outcome's columns by name."""
    return {
        "run": run,
        "address": str(outcome.address),
        "action": outcome.action.value,
        "status": outcome.status.value,
        "id": outcome.id,
        "message": outcome.message,
        "hint": outcome.hint,
        "fields": dump_fields(outcome.fields),
        "seconds": outcome.seconds,
    }


def read_outcome(row: Row) -> Outcome:
    """Read the columns of `dump_outcome`, in its order and without the run."""
    address, action, status, id, message, hint, fields, seconds = row
    documents = orjson.loads(fields)
    return Outcome(
        address=_address(address),
        action=Action(action),
        status=Status(status),
        id=id,
        message=message,
        hint=hint,
        fields=read_fields(documents) if documents else (),
        seconds=seconds,
    )


def read_run(row: Row, outcomes: Iterable[Row] = (), unknown: Iterable[Row] = ()) -> Run:
    """Read (id, started, ended, who, plan, result, revision, undoes), the outcomes, and what has none."""
    id, started, ended, who, plan, result, revision, undoes = row
    return Run(
        id=id,
        started=datetime.fromisoformat(started),
        ended=None if ended is None else datetime.fromisoformat(ended),
        who=who,
        plan=plan,
        result=result,
        revision=revision,
        outcomes=tuple(sorted(map(read_outcome, outcomes), key=lambda outcome: outcome.address)),
        undoes=undoes,
        unknown={_address(text): Action(action) for text, action in sorted(unknown)},
    )


def read_touch(row: Row) -> Touch:
    """Read (run, address, action, status, id, undoes)."""
    run, address, action, status, id, undoes = row
    return Touch(run, _address(address), Action(action), None if status is None else Status(status), id, undoes)


def _address(text: Json) -> Address:
    if not isinstance(text, str):
        raise TypeError("an address is text")
    return Address.parse(text)
