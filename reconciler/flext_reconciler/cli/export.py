"""`flext export`: what the services hold, as desired state."""

from __future__ import annotations

from collections.abc import Mapping

import click

from ..errors import FlextError, UsageError
from ..export import to_yaml
from ..load.wording import nearest
from ..model import Actual, Actuals, Address, Observer, Presence, Record
from ..plan.decide import is_ours
from ..read import read_actuals
from ..render.documents import FORMAT_VERSION
from ..render.safe import clean
from .exit_codes import ExitCode
from .interruption import run_looking
from .options import ADDRESS, Location, located_by_option, reporting
from .output import Output
from .platform import Platform, open_platform


@click.command()
@click.argument("addresses", type=ADDRESS, nargs=-1, metavar="[ADDRESS]...")
@located_by_option
@click.option("--service", help="Only what this service holds.")
@click.option("--kind", help="Only this kind.")
@click.option("--all", "everything", is_flag=True, help="Also what is not ours.")
@reporting
def command(
    addresses: tuple[Address, ...],
    location: Location,
    service: str | None,
    kind: str | None,
    everything: bool,
    output: Output,
) -> ExitCode:
    """Write what the services hold as YAML that plans empty: what is ours, or the addresses that are named.

    \b
    Examples:
      flext export --service flexcore > plugins.yaml
      flext export flext-service.pipeline/wms-orders
    """
    with open_platform(location) as platform, output.watching() as observer:
        _require_known(service, kind, platform)
        records = platform.ledger.records()
        actuals = run_looking(_read(platform, records, observer))
    found = [
        actual
        for address, actual in sorted(actuals.found.items())
        if actual.presence is Presence.PRESENT
        and service in (None, address.service)
        and kind in (None, address.kind)
        and (address in addresses if addresses else everything or is_ours(actual, records.get(address)))
    ]
    _require(addresses, found)
    if not found:
        output.note("There is nothing to export." if everything else "Nothing of it is ours; --all exports the rest.")
    written = to_yaml(found, platform.kinds)
    if output.json:
        output.document({"format_version": FORMAT_VERSION, "resources": len(found), "yaml": written})
    else:
        output.text(written)
    return _told(actuals, output)


async def _read(platform: Platform, records: Mapping[Address, Record], observer: Observer) -> Actuals:
    async with platform.readers() as readers:
        return await read_actuals(
            platform.nothing, platform.providers, readers, records, platform.fingerprinter, observer, everything=True
        )


def _require_known(service: str | None, kind: str | None, platform: Platform) -> None:
    """Refuse names that nothing goes by: a typing error must not read as `nothing is there`."""
    services = set(platform.services)
    kinds = {name for owner, name in platform.kinds if service in (None, owner)}
    for flag, named, known in (("--service", service, services), ("--kind", kind, kinds)):
        if named is not None and named not in known:
            raise UsageError(f"{flag} {named}: the environment has none", hint=nearest(named, known))


def _require(addresses: tuple[Address, ...], found: list[Actual]) -> None:
    missing = set(addresses) - {actual.address for actual in found}
    if missing:
        names = ", ".join(str(address) for address in sorted(missing))
        raise FlextError(f"not found: {names}", hint="`flext export --all` shows everything that is there.")


def _told(actuals: Actuals, output: Output) -> ExitCode:
    """Name what is missing from the export; a kind that a server lacks is no loss."""
    unread = {key: why for key, why in actuals.failures.items() if _offered(actuals, key)}
    lost = [f"{clean(service)}.{clean(kind)}: {clean(why)}" for (service, kind), why in sorted(unread.items())]
    unknown = [actual for actual in actuals.found.values() if actual.presence is Presence.UNKNOWN]
    lost += [f"{clean(str(actual.address))}: {clean(actual.reason)}" for actual in unknown]
    for line in lost:
        output.note(f"Not in the export: {line}")
    return ExitCode.ERROR if lost else ExitCode.DONE


def _offered(actuals: Actuals, key: tuple[str, str]) -> bool:
    service, kind = key
    support = actuals.support.get(service)
    return support is None or (kind in support.kinds and support.kinds[kind].supported)
