"""The values that flow through flext: frozen data, no I/O, no clock.

Pure. Everything a phase hands to the next is declared in this folder, so that it is the vocabulary of the house.
"""

from .actual import EVERY_ACTION, Action, Actual, Actuals, KindSupport, Presence, Record, Support
from .codec import decode_value, encode_value
from .desired import Declaration, Deletion, Lifecycle, Resource, Service
from .plan import (
    RISKS,
    BlockCode,
    Blocked,
    Change,
    Drift,
    DriftItem,
    Effect,
    FieldDiff,
    Impact,
    Inverse,
    Irreversible,
    Plan,
    Reason,
    Risk,
    Violation,
)
from .report import Event, EventName, Observer, Outcome, Report, Status
from .values import ABSENT, Absent, Address, Deferred, Json, Path, Secret, canonical

__all__ = [
    "ABSENT",
    "EVERY_ACTION",
    "RISKS",
    "Absent",
    "Action",
    "Actual",
    "Actuals",
    "Address",
    "BlockCode",
    "Blocked",
    "Change",
    "Declaration",
    "Deferred",
    "Deletion",
    "Drift",
    "DriftItem",
    "Effect",
    "Event",
    "EventName",
    "FieldDiff",
    "Impact",
    "Inverse",
    "Irreversible",
    "Json",
    "KindSupport",
    "Lifecycle",
    "Observer",
    "Outcome",
    "Path",
    "Plan",
    "Presence",
    "Reason",
    "Record",
    "Report",
    "Resource",
    "Risk",
    "Secret",
    "Service",
    "Status",
    "Support",
    "Violation",
    "canonical",
    "decode_value",
    "encode_value",
]
