"""`flext sandbox`: the embedded services in the foreground, for trying things out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from ..model import Json
from ..provider import Provider
from ..registry import load_providers
from ..render.documents import FORMAT_VERSION
from ..render.safe import clean
from .embedded import imitation, make_directory
from .options import reporting
from .output import Output

if TYPE_CHECKING:
    from ..sandbox import Running, Sandbox


@click.command()
@click.option("--port", "ports", multiple=True, metavar="SERVICE=PORT", help="Another port; 0 takes a free one.")
@click.option("--fault", "faults", multiple=True, metavar="[SERVICE:]NAME", help="Switch a fault on.")
@click.option("--list-faults", is_flag=True, help="List the faults and end.")
@click.option("--persist", type=click.Path(path_type=Path, file_okay=False), help="Keep what they hold here.")
@reporting
def command(
    ports: tuple[str, ...], faults: tuple[str, ...], list_faults: bool, persist: Path | None, output: Output
) -> None:
    """Run the embedded services until Ctrl-C: FlexCore on 8080, the FLEXT Service on 8081, on loopback only.

    Prints one `SERVICE URL` a line when all of them answer.

    \b
    Examples:
      flext sandbox
      flext sandbox --port flexcore=0 --fault flext-service:slow --persist ./platform
    """
    providers = {name: provider for name, provider in load_providers().items() if provider.embedded is not None}
    if list_faults:
        _list(providers, output)
        return
    from ..sandbox import Sandbox, serve_forever

    chosen = _ports(ports, providers)
    if persist is not None:
        make_directory(persist)
    apps = {
        name: imitation(provider).make(persist / f"{name}.db" if persist else None)
        for name, provider in providers.items()
    }
    _switch_on(faults, {name: app for name, app in apps.items() if isinstance(app, Sandbox)})
    with suppress(KeyboardInterrupt):  # it may arrive while they start
        serve_forever(
            [(apps[name], chosen[name]) for name in apps], lambda running: _ready(list(apps), running, output)
        )


def _ports(words: Sequence[str], providers: Mapping[str, Provider]) -> dict[str, int]:
    ports = {name: imitation(provider).port for name, provider in providers.items()}
    for word in words:
        name, _, port = word.partition("=")
        if name not in ports or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise UsageError(
                f"--port {word}: write SERVICE=PORT", hint=f"The services are {', '.join(ports)}; ports are 0 to 65535."
            )
        ports[name] = int(port)
    return ports


def _switch_on(words: Sequence[str], apps: Mapping[str, Sandbox]) -> None:
    for word in words:
        service, _, name = word.rpartition(":")
        meant = [app for key, app in apps.items() if service in ("", key) and name in app.faults.described]
        if not meant:
            raise UsageError(
                f"--fault {word}: there is no such fault", hint="`flext sandbox --list-faults` lists them."
            )
        for app in meant:
            app.faults.switch_on(name)


def _ready(names: Sequence[str], running: Sequence[Running], output: Output) -> None:
    urls = {name: one.url for name, one in zip(names, running, strict=True)}
    if output.json:
        output.document({"format_version": FORMAT_VERSION, "services": urls})
    else:
        output.text("".join(f"{name} {url}\n" for name, url in urls.items()))
    output.note("Ctrl-C ends it.")


def _list(providers: Mapping[str, Provider], output: Output) -> None:
    found = {name: _described(provider) for name, provider in providers.items()}
    if output.json:
        output.document({"format_version": FORMAT_VERSION, "faults": found})
        return
    for service, faults in found.items():
        lines = [f"  {clean(name)}\n      {clean(sentence)}" for name, sentence in sorted(faults.items())]
        output.text("\n".join([service, *lines]) + "\n")


def _described(provider: Provider) -> dict[str, Json]:
    from ..sandbox import GENERIC_FAULTS

    return {**GENERIC_FAULTS, **imitation(provider).faults}
