"""Providers to Actuals: services concurrently, the kinds of one service one after the other.

What cannot be read becomes a failure that names its next step; it never becomes an absence. What was read is brought
to the form that is compared, and every secret in it is masked before anything else can see it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import FlextError
from ..model import (
    Actual,
    Actuals,
    Address,
    Declaration,
    Event,
    EventName,
    Observer,
    Presence,
    Record,
    Support,
)
from ..plan.decide import AMBIGUOUS_PREFIX
from ..provider import Provider, Reader, Wanted
from ..references import Fingerprinter
from .mask import Models, understand

Records = Mapping[Address, Record]


async def read_actuals(
    declaration: Declaration,
    providers: Mapping[str, Provider],
    readers: Mapping[str, Reader],
    records: Records,
    fingerprinter: Fingerprinter,
    observer: Observer,
    *,
    everything: bool = False,
) -> Actuals:
    """Read every kind that is declared or recorded; with `everything`, all that the services offer."""
    wanted = _wanted(declaration, records)
    models = _models(declaration, records)
    unreachable = {key: _unconfigured(key, providers) for key in wanted if not _is_offered(key, providers)}
    jobs = [
        _Job(name, provider, readers[name], None if everything else _of_service(name, wanted), models, fingerprinter)
        for name, provider in sorted(providers.items())
        if everything or any(key not in unreachable and key[0] == name for key in wanted)
    ]
    results = await asyncio.gather(*(_read_service(job, observer) for job in jobs))
    return Actuals(
        found={address: actual for result in results for address, actual in _by_address(result.found)},
        support={result.service: result.support for result in results if result.support is not None},
        failures=unreachable | {key: why for result in results for key, why in result.failures.items()},
    )


def told(error: FlextError) -> str:
    """Put an error and its next step into one sentence."""
    return f"{error.message}; {error.hint or '`flext status` shows how the services are'}"


# ------------------------------------------------------------------------------------------------ one service


@dataclass(frozen=True, slots=True)
class _Job:
    service: str
    provider: Provider
    reader: Reader
    wanted: Mapping[str, Wanted] | None  # by kind; None means everything
    models: Mapping[Address, Models]
    fingerprinter: Fingerprinter


@dataclass(frozen=True, slots=True)
class _Result:
    service: str
    support: Support | None
    found: Sequence[Actual]
    failures: Mapping[tuple[str, str], str]


async def _read_service(job: _Job, observer: Observer) -> _Result:
    try:
        support = await job.reader.probe()
    except FlextError as error:
        return _Result(job.service, None, (), {(job.service, kind): told(error) for kind in job.provider.kinds})
    found: list[Actual] = []
    failures: dict[tuple[str, str], str] = {}
    for kind in job.provider.kinds:
        if job.wanted is not None and kind not in job.wanted:
            continue
        able = support.kinds.get(kind)
        if able is None or not able.supported:
            failures[job.service, kind] = (able.why if able else "") or f"this server has no {kind}"
            continue
        observer(Event(EventName.READING, text=f"{job.service}.{kind}"))
        try:
            found.extend(await _read_kind(job, kind))
        except FlextError as error:
            failures[job.service, kind] = told(error)
        observer(Event(EventName.READ, text=f"{job.service}.{kind}"))
    return _Result(job.service, support, found, failures)


async def _read_kind(job: _Job, kind: str) -> list[Actual]:
    reported = await job.reader.read(kind, job.wanted[kind] if job.wanted is not None else None)
    spec = job.provider.kinds[kind]
    return [understand(actual, spec, job.models.get(actual.address, ()), job.fingerprinter) for actual in reported]


def _by_address(actuals: Iterable[Actual]) -> Iterator[tuple[Address, Actual]]:
    """Key by address; two objects of one name are neither, so that nobody touches the wrong one."""
    seen: dict[Address, list[Actual]] = {}
    for actual in actuals:
        seen.setdefault(actual.address, []).append(actual)
    for address, same in seen.items():
        if len(same) == 1:
            yield address, same[0]
        else:
            ids = " and ".join(sorted(str(actual.id) for actual in same))
            reason = f"{AMBIGUOUS_PREFIX}: {ids}; remove or rename all but one of them in the service"
            yield address, Actual(address, Presence.UNKNOWN, reason=reason)


# ------------------------------------------------------------------------------------------------ what to read


def _wanted(declaration: Declaration, records: Records) -> dict[tuple[str, str], dict[str, frozenset[str]]]:
    wanted: dict[tuple[str, str], dict[str, frozenset[str]]] = {}
    specs = [(resource.address, resource.spec) for resource in declaration.resources]
    for address, spec in (*specs, *((record.address, record.desired) for record in records.values())):
        names = wanted.setdefault(address[:2], {})
        names[address.name] = names.get(address.name, frozenset()) | spec.keys()
    return wanted


def _of_service(
    service: str, wanted: Mapping[tuple[str, str], Mapping[str, frozenset[str]]]
) -> dict[str, Mapping[str, frozenset[str]]]:
    return {kind: names for (owner, kind), names in wanted.items() if owner == service}


def _is_offered(key: tuple[str, str], providers: Mapping[str, Provider]) -> bool:
    service, kind = key
    return service in providers and kind in providers[service].kinds


def _unconfigured(key: tuple[str, str], providers: Mapping[str, Provider]) -> str:
    service, kind = key
    if service in providers:
        return f"{service} is served by {providers[service].name}, which has no {kind}; use the flext that applied it"
    return f"{service} is not configured in this environment; put it back, or forget what was applied there"


def _models(declaration: Declaration, records: Records) -> dict[Address, Models]:
    models: dict[Address, Models] = {resource.address: (resource.spec,) for resource in declaration.resources}
    for address, record in records.items():
        models[address] = (*models.get(address, ()), record.desired, record.observed)
    return models
