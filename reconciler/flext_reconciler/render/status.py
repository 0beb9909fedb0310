"""The health of services as a table."""

from __future__ import annotations

from collections.abc import Sequence

from ..model import Json
from ..provider import Health, ServiceHealth
from .safe import clean
from .table import Cell, table
from .terminal import Terminal
from .values import show_value
from .words import count

_MEANING = {Health.HEALTHY: "good", Health.UNHEALTHY: "bad", Health.UNKNOWN: "warn"}


def status_text(healths: Sequence[ServiceHealth], terminal: Terminal) -> str:
    """Render one row a service, and how many are well."""
    rows = [_row(health) for health in healths]
    well = sum(1 for health in healths if health.status is Health.HEALTHY)
    lines = [
        *table(("service", "status", "took", "checked at", "details"), rows, terminal),
        "",
        terminal.paint("title", f"{well} of {count(len(healths), 'service')} healthy"),
    ]
    return terminal.fit("\n".join(lines) + "\n")


def _row(health: ServiceHealth) -> Sequence[Cell]:
    return (
        ("", clean(health.service_name)),
        (_MEANING[health.status], health.status.value),
        ("", f"{health.response_time_ms:.0f} ms"),
        ("dim", health.last_check.strftime("%H:%M:%S")),
        ("", ", ".join(_pair(key, value) for key, value in sorted(health.details.items()))),
    )


def _pair(key: str, value: Json) -> str:
    return f"{clean(key)}: {clean(value) if isinstance(value, str) else show_value(value)}"
