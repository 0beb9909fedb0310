"""The plans and reports that the golden files show."""

from __future__ import annotations

from flext_reconciler.errors import Place
from flext_reconciler.model import (
    ABSENT,
    Action,
    Address,
    BlockCode,
    Blocked,
    Change,
    Deferred,
    Drift,
    DriftItem,
    Effect,
    FieldDiff,
    Impact,
    Inverse,
    Irreversible,
    Outcome,
    Plan,
    Reason,
    Report,
    Risk,
    Secret,
    Status,
    Violation,
)

RUNTIME = Address("flexcore", "plugin", "wms-runtime")
LEGACY = Address("flext-service", "pipeline", "ldap-legacy")
ORDERS = Address("flext-service", "pipeline", "wms-orders")
EXTRACTOR = Address("flext-service", "plugin", "orders-extractor")
TAP = Address("flext-service", "tap", "oracle-wms")
OLD_TAP = Address("flext-service", "tap", "old-tap")
SERVICES = {"flexcore": "https://flexcore.example.test", "flext-service": "https://flext.example.test"}


def _secret(fingerprint):
    return Secret("${env:WMS_TOKEN}", fingerprint)


def _place(line):
    return Place("platform.yaml", line, 1)


REPLACE = Change(
    RUNTIME,
    Action.REPLACE,
    Reason.EDITED,
    fields=(
        FieldDiff(("config", "flexcore_node_url"), "http://a:8080", "http://b:8080", Effect.REPLACE, Drift.GIT),
        FieldDiff(("config", "api_token"), _secret("a1b2" * 4), _secret("c3d4" * 4), Effect.REPLACE, secret=True),
    ),
    id="wms-runtime",
    desired={"type": "meltano", "enabled": True, "config": {}},
    actual={"type": "meltano"},
    place=_place(1),
    risk=Risk.HIGH,
    notes=("the plugin is gone from the moment it is removed until it is deployed again",),
)
DELETE = Change(LEGACY, Action.DELETE, Reason.UNDECLARED, id="7", actual={"active": True}, risk=Risk.HIGH)
UPDATE = Change(
    ORDERS,
    Action.UPDATE,
    Reason.BOTH_MOVED,
    fields=(
        FieldDiff(("schedule",), "@daily", "0 2 * * *", drift=Drift.GIT),
        FieldDiff(("tags",), ["a", "b"], ABSENT, drift=Drift.ACTUAL, note="no longer declared"),
        FieldDiff(("steps", 1), ABSENT, {"name": "load", "configuration": {"password": _secret("e5f6" * 4)}}),
        FieldDiff(("configuration", "a.key"), 1, "1"),
    ),
    id="12",
    desired={"schedule": "0 2 * * *", "steps": [], "configuration": {}, "active": True, "description": "x"},
    actual={},
    place=_place(14),
    depends_on=(RUNTIME,),
    risk=Risk.MEDIUM,
)
CREATE = Change(
    EXTRACTOR,
    Action.CREATE,
    Reason.NEW,
    desired={
        "type": "source",
        "version": "1.0.0",
        "configuration": {"node": Deferred("${ref:flexcore.plugin/wms-runtime.id}", RUNTIME, ("id",))},
    },
    place=_place(30),
)
ADOPT = Change(TAP, Action.ADOPT, Reason.FOUND, id="3", desired={"version": "1.0.0"}, actual={}, place=_place(41))

HOSTILE = Change(
    Address("flext-service", "plugin", "x\x1b]0;pwned\x07\n# heading"),
    Action.UPDATE,
    Reason.EDITED,
    fields=(
        FieldDiff(("description",), "| a | <img src=x> ```` @team #1", "\x1b[2J\u202egnp.exe [l](http://e.test)"),
        FieldDiff(("a\n</details>",), ABSENT, "```\n## forged"),
    ),
    id="1",
    desired={},
    place=Place("a|b`c.yaml", 1, 1),
    risk=Risk.MEDIUM,
    notes=("[red]markup[/red] \u2066isolated",),
)

BUSY = Plan(
    "prod",
    SERVICES,
    changes=(REPLACE, DELETE, UPDATE, CREATE, ADOPT),
    blocked=(
        Blocked(
            Address("flext-service", "tap", "oracle-oic"),
            BlockCode.UNKNOWN,
            "the answer is invented (source: fallback)",
            "`flext status` shows how the services are",
            _place(50),
        ),
        Blocked(
            Address("flext-service", "plugin", "theirs"),
            BlockCode.FOREIGN,
            "exists (id 9) and is not ours",
            fields=(
                FieldDiff(("configuration", "a"), "| \x1b[31m``", 2),
                FieldDiff(("configuration", "api_token"), _secret("a1b2" * 4), _secret("c3d4" * 4), secret=True),
            ),
        ),
    ),
    violations=(Violation("max_deletes", "1 would be deleted, and the limit is 0", "--max-deletes 1"),),
    drift=(
        DriftItem(OLD_TAP, Drift.ACTUAL, (FieldDiff(("active",), True, False),), "switched on again"),
        DriftItem(TAP, Drift.SERVER_DEFAULT, (FieldDiff(("active",), True, False),), "a default moved"),
    ),
    prunable=(Address("flexcore", "plugin", "old-runtime"),),
    unmanaged=(Address("flext-service", "plugin", "somebody-elses"),),
    notices=("flexcore: one thing to know",),
    unchanged=58,
    lineage="lineage",
    serial=3,
    inverse=Inverse(
        changes=(Change(EXTRACTOR, Action.DELETE, Reason.UNDECLARED, risk=Risk.HIGH),),
        irreversible=(
            Irreversible(RUNTIME, (), "it is made anew, and gets another id"),
            Irreversible(RUNTIME, ("config", "api_token"), "${env:WMS_TOKEN} stands for another value now"),
        ),
    ),
    impact=Impact((RUNTIME, LEGACY), (Address("flext-service", "pipeline", "reports"),)),
)

PLANS = {
    "empty": Plan("dev", SERVICES, unchanged=58),
    "busy": BUSY,
    "hostile": Plan("dev-->", SERVICES, changes=(HOSTILE,), notices=("\x1b[31m<b>bold</b>",), complete=False),
}

REPORT = Report(
    (
        Outcome(RUNTIME, Action.REPLACE, Status.FAILED, message="the service said \x1b[2Jno", hint="look at its log"),
        Outcome(
            LEGACY,
            Action.UPDATE,
            Status.FAILED,
            message="the service stored a different value for description",
            fields=(FieldDiff(("description",), "legacy", "Legacy"),),
        ),
        Outcome(ORDERS, Action.UPDATE, Status.BLOCKED, message="waits for flexcore.plugin/wms-runtime"),
        Outcome(EXTRACTOR, Action.CREATE, Status.DONE, id="4", seconds=0.42),
        Outcome(
            TAP,
            Action.ADOPT,
            Status.STALE,
            message="it moved since the plan",
            fields=(FieldDiff(("version",), "1.0.0", "1.1.0", wanted="1.0.0"),),
        ),
    ),
    residual=BUSY,
    run=7,
)
