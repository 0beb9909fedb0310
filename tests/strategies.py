"""Hypothesis strategies for the values that flow through flext; every one of them could stand in a real plan.

The functions are cached: building a strategy costs more than drawing from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from hypothesis import strategies as st

from flext_reconciler.errors import Place
from flext_reconciler.model import (
    ABSENT,
    Action,
    Actual,
    Address,
    BlockCode,
    Blocked,
    Change,
    Deferred,
    Deletion,
    Drift,
    DriftItem,
    Effect,
    FieldDiff,
    Impact,
    Inverse,
    Irreversible,
    Json,
    Lifecycle,
    Outcome,
    Path,
    Plan,
    Presence,
    Reason,
    Record,
    Resource,
    Risk,
    Secret,
    Status,
    Violation,
)

Strategy = st.SearchStrategy

SERVICES = ("flexcore", "flext-service", "other")
KINDS = ("plugin", "pipeline", "tap")
# What codecs, pointers, renderers and terminals trip over.
AWKWARD = (
    "",
    "$secret",
    "$$secret",
    "$deferred",
    "$$$deferred",
    "secret",
    "0",
    "1",
    "01",
    "~",
    "a/b",
    "~1",
    "a.b",
    "[x]",
    "\x1b[31m",
    "\u202e",
    "\n",
    "null",
)


@cache
def texts(max_size: int = 12) -> Strategy[str]:
    """Any text that UTF-8 can hold, the awkward ones often."""
    return st.sampled_from(AWKWARD) | st.text(st.characters(codec="utf-8"), max_size=max_size)


@cache
def addresses() -> Strategy[Address]:
    """Addresses; the names may hold anything."""
    names = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True) | texts().filter(bool)
    return st.builds(Address, st.sampled_from(SERVICES), st.sampled_from(KINDS), names)


@cache
def paths() -> Strategy[Path]:
    """Paths into a spec, of keys and list indexes."""
    return st.lists(texts() | st.integers(0, 20), max_size=4).map(tuple)


@cache
def fingerprints() -> Strategy[str]:
    """Keyed fingerprints, as references.Fingerprinter makes them."""
    return st.text("0123456789abcdef", min_size=16, max_size=16)


@cache
def secrets() -> Strategy[Secret]:
    """Secrets, declared and reported."""
    return st.builds(Secret, st.sampled_from(("", "${env:TOKEN}", "${file:key.pem}")), fingerprints())


@cache
def deferred() -> Strategy[Deferred]:
    """References to what is known only during apply."""
    return st.builds(Deferred, st.just("${ref:flexcore.plugin/x.id}"), addresses(), paths())


@cache
def scalars() -> Strategy[Json]:
    """Scalars of the JSON data model, within what JSON libraries agree on."""
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    return st.none() | st.booleans() | numbers | texts()


@cache
def json_values(max_leaves: int = 8) -> Strategy[Json]:
    """Values of a spec: JSON whose leaves may be secrets or deferred."""
    return st.recursive(
        scalars() | secrets() | deferred(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(), inner, max_size=3),
        max_leaves=max_leaves,
    )


@cache
def specs() -> Strategy[dict[str, Json]]:
    """Whole specs."""
    return st.dictionaries(texts(), json_values(4), max_size=3)


@cache
def places() -> Strategy[Place]:
    """Places in YAML files."""
    return st.builds(Place, texts(), st.integers(1, 10_000), st.integers(1, 200))


@cache
def maybe_places() -> Strategy[Place | None]:
    """Places of what may come from no file."""
    return st.none() | places()


@cache
def lifecycles() -> Strategy[Lifecycle]:
    """What authors allow."""
    ignored = st.lists(paths().map(lambda path: "".join(f"/{step}" for step in path)), max_size=2).map(tuple)
    return st.builds(Lifecycle, st.booleans(), ignored, st.booleans())


@cache
def resources() -> Strategy[Resource]:
    """Declared resources."""
    return st.builds(Resource, addresses(), specs(), places(), lifecycle=lifecycles())


@cache
def actuals() -> Strategy[Actual]:
    """What providers report."""
    return st.builds(
        Actual,
        addresses(),
        st.sampled_from(Presence),
        st.none() | texts(),
        specs(),
        st.none() | st.booleans(),
        reason=texts(),
    )


@cache
def records() -> Strategy[Record]:
    """What the ledger holds of finished changes."""
    return st.builds(Record, addresses(), st.none() | texts(), specs(), specs())


@cache
def field_diffs() -> Strategy[FieldDiff]:
    """Differences of one field; at least one side is there."""
    sides = st.just(ABSENT) | json_values(4)
    return st.builds(
        FieldDiff,
        paths(),
        sides,
        sides,
        st.sampled_from(Effect),
        st.none() | st.sampled_from(Drift),
        st.booleans(),
        texts(),
        sides,
    ).filter(lambda diff: not (diff.before is ABSENT and diff.after is ABSENT))


@cache
def few(of: Strategy) -> Strategy[tuple]:
    """At most two of something; name the strategy, do not build it anew each time."""
    return st.lists(of, max_size=2).map(tuple)


@st.composite
def changes(draw: st.DrawFn, address: Address | None = None, after: Sequence[Address] = ()) -> Change:
    """One change; it may depend on any address of `after`."""
    action = draw(st.sampled_from(Action))
    return Change(
        address=address or draw(addresses()),
        action=action,
        reason=draw(st.sampled_from(Reason)),
        fields=draw(few(field_diffs())),
        id=None if action is Action.CREATE else draw(texts()),
        desired=None if action is Action.DELETE else draw(specs()),
        actual=None if action is Action.CREATE else draw(specs()),
        base=draw(fingerprints()),
        depends_on=tuple(sorted(draw(st.sets(st.sampled_from(after), max_size=2)))) if after else (),
        place=draw(maybe_places()),
        risk=draw(st.sampled_from(Risk)),
        notes=draw(few(texts())),
        uses=draw(st.dictionaries(addresses(), fingerprints(), max_size=2)),
        deletion=draw(st.sampled_from(Deletion)),
        protect=draw(st.booleans()),
        grace=draw(st.none() | st.integers(0, 400)) if action is Action.UPDATE else None,
    )


def outcomes(address: Strategy[Address] | None = None) -> Strategy[Outcome]:
    """How changes end."""
    return st.builds(
        Outcome,
        addresses() if address is None else address,
        st.sampled_from(Action),
        st.sampled_from(Status),
        st.none() | texts(),
        texts(),
        texts(),
        few(field_diffs()),
        st.floats(0, 1e6),
    )


@cache
def blocked() -> Strategy[Blocked]:
    """What stands in the way of a resource."""
    return st.builds(
        Blocked, addresses(), st.sampled_from(BlockCode), texts(), texts(), maybe_places(), few(field_diffs())
    )


@cache
def drift_items() -> Strategy[DriftItem]:
    """What moved of a resource."""
    told = few(field_diffs()), texts(), few(addresses())
    return st.builds(DriftItem, addresses(), st.sampled_from(Drift), *told)


@cache
def violations() -> Strategy[Violation]:
    """Guards that forbid an apply."""
    return st.builds(Violation, texts(), texts(), texts())


@st.composite
def inverses(draw: st.DrawFn, of: Sequence[Address]) -> Inverse:
    """What takes the changes of some addresses back."""
    lost = st.builds(Irreversible, addresses(), paths(), texts())
    return Inverse(tuple(draw(changes(address)) for address in of), draw(few(addresses())), draw(few(lost)))


@cache
def named_texts() -> Strategy[dict[str, str]]:
    """Texts by name."""
    return st.dictionaries(texts(), texts(), max_size=2)


@cache
def counts() -> Strategy[dict[str, int]]:
    """Numbers by name."""
    return st.dictionaries(texts(), st.integers(0, 100), max_size=2)


@st.composite
def plans(draw: st.DrawFn, max_changes: int = 3) -> Plan:
    """Whole plans: unique addresses, no cycles."""
    unique = draw(st.lists(addresses(), max_size=max_changes + 3, unique=True))
    changed, others = unique[:max_changes], unique[max_changes:]
    return Plan(
        environment=draw(texts()),
        services=draw(named_texts()),
        changes=tuple(draw(changes(address, changed[:at])) for at, address in enumerate(changed)),
        blocked=tuple(replace(draw(blocked()), address=address) for address in others),
        violations=draw(few(violations())),
        drift=tuple(replace(draw(drift_items()), address=address) for address in unique[:2]),
        prunable=tuple(others[:1]),
        unmanaged=tuple(others[1:2]),
        notices=draw(few(texts())),
        unchanged=draw(st.integers(0, 10_000)),
        kinds=draw(counts()),
        lineage=draw(texts()),
        serial=draw(st.integers(0, 2**40)),
        complete=draw(st.booleans()),
        revision=draw(st.sampled_from(("", "0" * 40))),
        objects=draw(st.dictionaries(addresses(), fingerprints(), max_size=2)),
        impact=Impact(tuple(changed[:1]), tuple(others[:1])),
        inverse=draw(inverses(changed[:1])),
        undoes=draw(st.integers(0, 3)),
    )
