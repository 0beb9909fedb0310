"""`flext ledger`: what flext remembers, to look at, to keep, to bring back, and to forget."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from ..errors import FlextError
from ..ledger import Ledger, whoami
from ..ledger.documents import read_signed
from ..ledger.exchange import LEDGER, export_ledger, import_ledger
from ..ledger.rescue import RESCUE, import_rescue
from ..model import Address, Json
from ..planfile.files import write_whole
from ..render.documents import FORMAT_VERSION
from ..render.remembered import ledger_document, ledger_text, returned_document, returned_text
from ..render.safe import clean
from ..render.words import count
from .options import ADDRESS, Location, located_by_option, reporting
from .output import Output
from .platform import open_remembered

_ASIDE = ".imported"
_ADDRESSES = click.argument("addresses", type=ADDRESS, nargs=-1, metavar="[ADDRESS]...")


@click.group(no_args_is_help=False)
def command() -> None:
    """Look at what flext remembers of an environment. It is evidence, not truth: a plan always reads the services.

    \b
    Examples:
      flext ledger show -e prod
      flext ledger export -e prod --out ledger.json
    """


@command.command(short_help="show where it is and what it holds")
@_ADDRESSES
@located_by_option
@reporting
def show(addresses: tuple[Address, ...], location: Location, output: Output) -> None:
    """Show where the ledger is and what it holds: a line a resource, or everything about the addresses named.

    \b
    Examples:
      flext ledger show -e prod
      flext ledger show flexcore.plugin/wms-runtime --json
    """
    with open_remembered(location) as ledger:
        records = ledger.records()
        lease = ledger.lease()
    unknown = sorted(set(addresses) - records.keys())
    if unknown:
        raise FlextError(
            f"the ledger holds nothing about {', '.join(map(str, unknown))}", hint="`flext ledger show` lists it all."
        )
    shown = [record for address, record in records.items() if not addresses or address in addresses]
    if output.json:
        output.document(ledger_document(ledger, shown, lease))
    else:
        output.text(ledger_text(ledger, shown, lease, output.out, details=bool(addresses)))


@command.command(short_help="write it as one JSON document")
@located_by_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a file that only you can read.")
@click.option("--with-key", is_flag=True, help="Include the key of the fingerprints of secrets; keep it as a secret.")
@reporting
def export(location: Location, out: Path | None, with_key: bool, output: Output) -> None:
    """Write the whole ledger as one JSON document: to keep it, or to move it to another store.

    Secrets are in it as references and fingerprints only.

    \b
    Examples:
      flext ledger export -e prod > ledger.json
      flext ledger export -e prod --with-key --out ledger.json
    """
    with open_remembered(location) as ledger:
        content = export_ledger(ledger, with_key=with_key)
    if out is None:
        output.text(content.decode())
        return
    try:
        write_whole(out, content)
    except OSError as error:
        raise FlextError(f"cannot write {out}: {error.strerror or error}", hint="Check the directory.") from None
    if output.json:
        output.document({"format_version": FORMAT_VERSION, "written": str(out)})
    else:
        output.note(f"Written: {clean(str(out))}")


@command.command("import", short_help="take back what was exported, or could not be stored")
@click.argument("file", type=click.Path(path_type=Path))
@located_by_option
@reporting
def import_(file: Path, location: Location, output: Output) -> None:
    """Take FILE back: a whole ledger into an empty one, or what an apply could not store into its own.

    \b
    Examples:
      flext ledger import ledger.json -e prod
      flext ledger import .flext/prod.rescue-12-9f3c.json
    """
    document = read_signed(file, (LEDGER, RESCUE))
    with open_remembered(location) as ledger, ledger.lock("ledger import", who=whoami(os.environ)):
        if document["document"] == LEDGER:
            _imported(import_ledger(ledger, file, document), document, output)
            return
        returned = import_rescue(ledger, file, document, datetime.now(UTC).isoformat(timespec="milliseconds"))
    if output.json:
        output.document(returned_document(ledger.environment, returned))
    else:
        output.text(returned_text(returned, output.out))
    _put_aside(file, output)


def _put_aside(file: Path, output: Output) -> None:
    """Rename what was taken back, so that nobody waits for it to be."""
    if file.suffix == _ASIDE:
        return
    aside = file.with_name(file.name + _ASIDE)
    try:
        file.rename(aside)
    except OSError as error:
        output.note(f"{clean(str(file))} is done with, and could not be renamed: {error.strerror or error}")
    else:
        output.note(f"{clean(str(file))} is done with, and is called {clean(aside.name)} now.")


@command.command(short_help="remove what it holds about a resource")
@click.argument("addresses", type=ADDRESS, nargs=-1, required=True, metavar="ADDRESS...")
@located_by_option
@reporting
def forget(addresses: tuple[Address, ...], location: Location, output: Output) -> None:
    """Remove what the ledger holds about ADDRESS. The services are not touched; the history says who did it.

    \b
    Example:
      flext ledger forget flexcore.plugin/wms-runtime -e prod
    """
    who = whoami(os.environ)
    with open_remembered(location) as ledger, ledger.lock("ledger forget", who=who):
        run = _forget(ledger, addresses, who)
    if output.json:
        forgotten = sorted(map(str, set(addresses)))
        output.document({"format_version": FORMAT_VERSION, "forgotten": forgotten, "run": run})
    else:
        output.text(f"Forgotten: {count(len(set(addresses)), 'resource')}. The next plan finds out what they are.\n")


def _forget(ledger: Ledger, addresses: tuple[Address, ...], who: str) -> int:
    ledger.records()  # somebody may have written while we waited for the lock
    return ledger.forget(addresses, who)


def _imported(with_key: bool, document: Json, output: Output) -> None:
    numbers = {table: len(document[table]) for table in ("resources", "runs")}
    if output.json:
        output.document({"format_version": FORMAT_VERSION, "imported": numbers, "with_key": with_key})
        return
    output.text(f"Imported: {count(numbers['resources'], 'resource')}, {count(numbers['runs'], 'run')}.\n")
    if not with_key:
        output.note("The key was not in the file: the next plan cannot tell whether secrets changed.")
