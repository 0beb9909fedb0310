"""What a resource needs first: written, named by a field, or referred to; and the cycles that must not be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from ..errors import FlextError
from ..model import Address, Deferred, Json, Path
from ..spec import Spec, field_rules
from .documents import Draft
from .problems import Problems
from .symbols import Filled
from .wording import nearest, quoted, value_at

_MOST_CYCLES = 20


class Links:
    """Finds addresses among the declared ones."""

    def __init__(
        self, declared: Collection[Address], kinds: Mapping[tuple[str, str], type[Spec]], problems: Problems
    ) -> None:
        self._declared = declared
        self._kinds = kinds
        self._problems = problems

    def needed(self, draft: Draft, filled: Filled) -> tuple[Address, ...]:
        """Return the addresses that a draft depends on, sorted; a written one that is not declared is a problem."""
        named = _named(draft, filled.symbolic) if draft.model.refers_to else ()
        needed = {address for address in named if address in self._declared}
        if filled.unknown:
            needed.update(_referred(filled))
        for number, text in enumerate(draft.header.get("depends_on", ()) if draft.valid else ()):
            try:
                needed.add(self._written(text))
            except FlextError as error:
                self._problems.add_error(draft.origin.where(("depends_on", number)), error)
        return tuple(sorted(needed)) if needed else ()

    def _written(self, text: str) -> Address:
        head, slash, name = text.partition("/")
        if not slash:
            raise FlextError(f"{quoted(text)} is not an address", hint="write service.kind/name")
        if "." in head:
            service, _, kind = head.partition(".")
            matching = [address for address in self._named[kind, name] if address.service == service]
        else:
            matching = self._named[head, name]
        if len(matching) > 1:
            raise FlextError(f"{quoted(text)} could be {', '.join(map(str, matching))}", hint="write the whole address")
        if not matching:
            raise FlextError(f"{quoted(text)} is not declared", hint=self._nearest(text))
        return matching[0]

    def deferred(self, text: str, name: str) -> Deferred:
        """Return what `${ref:ADDRESS.FIELD}` stands for; raises FlextError when that cannot be."""
        for end in reversed([place for place, letter in enumerate(name) if letter == "." and "/" in name[:place]]):
            try:
                address = Address.parse(name[:end])
            except ValueError:
                break
            if address in self._declared:
                path = tuple(int(part) if part.isdecimal() else part for part in name[end + 1 :].split("."))
                self._check_field(address, str(path[0]))
                return Deferred(text, address, path)
        hint = self._nearest(name) or "write ${ref:service.kind/name.field}"
        raise FlextError(f"{quoted(text)} refers to nothing that is declared", hint=hint)

    def _check_field(self, address: Address, field: str) -> None:
        rules = field_rules(self._kinds[address.service, address.kind])
        if field != "id" and field not in rules:
            raise FlextError(f"{address} has no field {quoted(field)}", hint=nearest(field, ("id", *rules)))
        if field in rules and rules[field].sensitive:
            raise FlextError(f"{address} keeps {quoted(field)} secret", hint="write the same reference in both places")

    def _nearest(self, text: str) -> str:
        return nearest(text, self._texts)

    @cached_property
    def _texts(self) -> list[str]:
        return sorted(map(str, self._declared))

    @cached_property
    def _named(self) -> Mapping[tuple[str, str], list[Address]]:
        named: defaultdict[tuple[str, str], list[Address]] = defaultdict(list)
        for address in sorted(self._declared):
            named[address.kind, address.name].append(address)
        return named


def _referred(filled: Filled) -> Iterator[Address]:
    for path in filled.unknown:
        value = value_at(filled.symbolic, path)
        if isinstance(value, Deferred):
            yield value.address


def _named(draft: Draft, spec: Json) -> Iterator[Address]:
    for pattern, kind in draft.model.refers_to.items():
        for name in _matching(spec, pattern):
            if isinstance(name, str):
                yield Address(draft.address.service, kind, name)


def _matching(value: Json, pattern: Path) -> Iterator[Json]:
    if not pattern:
        yield value
    elif pattern[0] == "*":
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _matching(item, pattern[1:])
    elif isinstance(value, dict) and pattern[0] in value:
        yield from _matching(value[pattern[0]], pattern[1:])


def report_cycles(
    needs: Mapping[Address, tuple[Address, ...]], drafts: Mapping[Address, Draft], problems: Problems
) -> None:
    """Report every cycle, each once, with the place of every resource on it."""
    left = {address: set(needs[address]) for address in sorted(needs) if needs[address]}
    for _ in range(_MOST_CYCLES):
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            cycle = _from_smallest(error.args[1])
        else:
            return
        steps = " → ".join(f"{address} ({drafts[address].origin.place})" for address in cycle)
        problems.add(drafts[cycle[0]].origin.spot, f"these wait for each other: {steps} → {cycle[0]}")
        left[cycle[0]].discard(cycle[1 % len(cycle)])


def _from_smallest(found: list[Address]) -> list[Address]:
    # graphlib lists each address before the one that needs it, and the first again at the end.
    cycle = list(reversed(found[:-1]))
    start = cycle.index(min(cycle))
    return cycle[start:] + cycle[:start]
