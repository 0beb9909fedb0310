"""The JSON documents that `--json` prints: one a command, keys sorted, the same input the same bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import orjson

from ..errors import DesiredStateError, FlextError, Problem, ServiceError
from ..model import Drift, DriftItem, Json, Outcome, Plan, Report, encode_value
from ..planfile import fingerprint, to_json
from ..planfile.encode import fields_to_json
from .safe import inert_json

if TYPE_CHECKING:
    from ..provider import ServiceHealth

FORMAT_VERSION = "1.0"
"""Of every document but the plan, which has its own; a minor step adds, a major one breaks."""


def dumps(document: Json) -> str:
    """Write a document, with a newline at its end."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return inert_json(orjson.dumps(document, option=options).decode())


def report_document(report: Report, plan: Plan) -> dict[str, Json]:
    """How a run ended, and what it left."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": plan.environment,
        "plan": fingerprint(plan),
        "run": report.run,
        "interrupted": report.interrupted,
        "converged": report.converged,
        "message": report.message,
        "counts": {status.value: number for status, number in report.counts.items()},
        "outcomes": [outcome_document(outcome) for outcome in report.outcomes],
        "residual": to_json(report.residual) if report.residual else None,
    }


def drift_document(plan: Plan, *, pending: bool, drifted: bool, complete: bool) -> dict[str, Json]:
    """Who moved what since the last apply; it is `complete` when everything could be looked at."""
    counts = {drift.value: sum(1 for item in plan.drift if item.drift is drift) for drift in Drift}
    return {
        "format_version": FORMAT_VERSION,
        "environment": plan.environment,
        "pending": pending,
        "drifted": drifted,
        "complete": complete,
        "counts": counts,
        "drift": [_drift(item) for item in plan.drift],
        "blocked": [
            {
                "address": str(item.address),
                "code": item.code.value,
                "message": item.message,
                "fields": fields_to_json(item.fields),
            }
            for item in plan.blocked
        ],
    }


def status_document(environment: str, healths: Iterable[ServiceHealth]) -> dict[str, Json]:
    """The health of every service, in the ecosystem guide's words."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "services": [
            {
                "service_name": health.service_name,
                "status": health.status.value,
                "response_time_ms": round(health.response_time_ms, 1),
                "last_check": health.last_check.isoformat(timespec="seconds"),
                "details": encode_value(dict(health.details)),
            }
            for health in healths
        ],
    }


def error_document(error: FlextError) -> dict[str, Json]:
    """What went wrong and what to do next."""
    shown: dict[str, Json] = {
        "type": type(error).__name__,
        "message": _encodable(error.message),
        "hint": _encodable(error.hint),
        "exit_code": error.exit_code,
    }
    if isinstance(error, DesiredStateError):
        shown["problems"] = [_problem(problem) for problem in error.problems]
    if isinstance(error, ServiceError):
        shown["kind"] = error.kind.value
        shown["service"] = error.service
        shown["status"] = error.status
    return {"format_version": FORMAT_VERSION, "error": shown}


def _problem(problem: Problem) -> dict[str, Json]:
    place = {**problem.place._asdict(), "file": _encodable(problem.place.file)}
    return {**place, "message": _encodable(problem.message), "hint": _encodable(problem.hint)}


def _encodable(text: str) -> str:
    """Escape what UTF-8 cannot hold: the command line and file names may carry such bytes."""
    return text.encode(errors="backslashreplace").decode()


def outcome_document(outcome: Outcome) -> dict[str, Json]:
    """How one change ended."""
    return {
        "address": str(outcome.address),
        "action": outcome.action.value,
        "status": outcome.status.value,
        "id": outcome.id,
        "message": outcome.message,
        "hint": outcome.hint,
        "fields": fields_to_json(outcome.fields),
        "seconds": round(outcome.seconds, 3),
    }


def _drift(item: DriftItem) -> dict[str, Json]:
    return {
        "address": str(item.address),
        "drift": item.drift.value,
        "others": [str(address) for address in item.others],
        "message": item.message,
        "fields": fields_to_json(item.fields),
    }
