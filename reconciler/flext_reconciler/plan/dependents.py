"""What the decision about one resource means for those that depend on it.

Pure. Three rules, repeated until nothing changes, because each can undo what another one did:

    replaced    whatever refers to it by an id is written anew, replaced itself where the server cannot do better
    blocked     what depends on something that cannot be read or made waits with it
    stranded    nothing is replaced or deleted when something that refers to it has to go on using it
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..errors import Place
from ..model import Action, Address, BlockCode, Blocked, Change, Drift, FieldDiff, Presence, Reason
from ..order import levels
from .case import Decision
from .decide import decide, wanted
from .given import Given, Moving
from .references import deferred_in, moved_names, names_in

Decisions = Mapping[Address, Decision]
Users = Mapping[Address, tuple[Address, ...]]

_HARD = frozenset({BlockCode.UNKNOWN, BlockCode.UNSUPPORTED, BlockCode.AMBIGUOUS})


def settle(given: Given, decisions: Decisions) -> Decisions:
    """Return the decisions with every consequence drawn."""
    if all(decision.blocked is None and _is_harmless(decision.change) for decision in decisions.values()):
        return decisions
    users = given.users()
    refused: dict[Address, Decision] = {}
    while True:
        result = _with_followers(given, {**decisions, **refused}, users, refused.keys())
        result = _with_waiting(given, result, users)
        stranded = _stranding(given, result)
        if not stranded:
            return result
        refused.update(stranded)


def replaced(decisions: Decisions) -> Moving:
    """Return what gets a new id, and who moved it."""
    return {
        address: Drift.ACTUAL if decision.change.reason is Reason.DRIFTED else Drift.GIT
        for address, decision in decisions.items()
        if decision.change is not None and _is_replace(decision.change)
    }


def left_behind(given: Given, user: Address, moving: Moving) -> Iterable[Address]:
    """Return what gets a new id although this resource, where it exists, refers to the old one."""
    actual, support = given.actual(user), given.support(user)
    if actual.presence is Presence.ABSENT or not support.supported:
        return ()
    case = given.case(user, moving)
    spec = case.resource.spec
    if actual.presence is Presence.UNKNOWN:
        named = names_in(case.kind, user, spec) & moving.keys()
    else:
        named = {address for address, _ in moved_names(case.kind, user, spec, actual, support, moving)}
    return sorted(named | {item.address for item in deferred_in(spec) if item.address in moving})


def still_named(given: Given) -> Mapping[Address, Address]:
    """Return what declared resources refer to → one that does."""
    found: dict[Address, Address] = {}
    for address, resource in given.resources.items():
        kind = given.kind(address)
        if wanted(kind, resource.spec):
            found.update(dict.fromkeys(names_in(kind, address, resource.spec), address))
            if resource.depends_on:
                found.update(dict.fromkeys((item.address for item in deferred_in(resource.spec)), address))
    return found


def in_use(address: Address, user: Address, place: Place | None = None) -> Blocked:
    """Say that something must stay because of who refers to it."""
    message = f"cannot delete it: {user} is declared and refers to it"
    return Blocked(address, BlockCode.PROTECTED, message, f"take it out of {user} first", place)


def _is_harmless(change: Change | None) -> bool:
    return change is None or change.action not in (Action.REPLACE, Action.DELETE)


def _is_replace(change: Change | None) -> bool:
    return change is not None and change.action is Action.REPLACE


def _with_followers(given: Given, decisions: Decisions, users: Users, refused: Iterable[Address]) -> Decisions:
    """Decide again, dependencies first, about everything that depends on something replaced."""
    moving = dict(replaced(decisions))
    if not moving:
        return decisions
    result = dict(decisions)
    reached = _reached(moving, users) - set(refused)
    graph = {address: frozenset(given.resources[address].depends_on) & reached for address in reached}
    for level in levels(graph):
        for address in level:
            result[address] = decide(given.case(address, moving))
        moving |= replaced({address: result[address] for address in level})
    return result


def _reached(start: Iterable[Address], users: Users) -> set[Address]:
    found: set[Address] = set()
    waiting = list(start)
    while waiting:
        fresh = set(users.get(waiting.pop(), ())) - found
        found |= fresh
        waiting.extend(fresh)
    return found


def _with_waiting(given: Given, decisions: Decisions, users: Users) -> Decisions:
    """Block what would build on something that cannot be read or made; nobody knows whether it would work."""
    result = dict(decisions)
    waiting = deque(address for address, decision in result.items() if _is_hard(decision.blocked))
    while waiting:
        stopped = waiting.popleft()
        cause = result[stopped].blocked
        assert cause is not None
        for address in users.get(stopped, ()):
            change = result[address].change
            if change is not None and change.action is not Action.DELETE:
                message = f"depends on {stopped}, which is {cause.code}"
                place = given.resources[address].place
                result[address] = Decision(
                    blocked=Blocked(address, cause.code, message, place=place, fields=change.fields)
                )
                waiting.append(address)
    return result


def _is_hard(blocked: Blocked | None) -> bool:
    return blocked is not None and blocked.code in _HARD


def _stranding(given: Given, decisions: Decisions) -> Mapping[Address, Decision]:
    """Return a block for everything that is to go although something refers to it that stays as it is."""
    deleted = {address for address, decision in decisions.items() if _is_delete(decision.change)}
    named = still_named(given) if deleted else {}
    found = {
        address: Decision(blocked=in_use(address, named[address], given.resources[address].place))
        for address in deleted & named.keys()
    }
    moving = replaced(decisions)
    for user, decision in decisions.items():
        if moving and decision.blocked is not None:
            for address in left_behind(given, user, moving):
                blocked = _stranded(given, address, user, decision.blocked.code)
                found[address] = Decision(blocked=replace(blocked, fields=_fields(decisions[address])))
    return found


def _is_delete(change: Change | None) -> bool:
    return change is not None and change.action is Action.DELETE


def _fields(decision: Decision) -> tuple[FieldDiff, ...]:
    return decision.change.fields if decision.change is not None else ()


def _stranded(given: Given, address: Address, user: Address, code: BlockCode) -> Blocked:
    message = f"replacing it would strand {user}, which refers to it and is {code}"
    hint = f"see to {user} first, or undo what asks for the replacement"
    return Blocked(address, code, message, hint, given.resources[address].place)
