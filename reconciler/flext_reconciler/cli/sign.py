"""`flext sign`: a reviewer's signature beside a saved plan."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from ..planfile import fingerprint, load_saved
from ..planfile.sign import PASSPHRASE, load_key, sign, signatures_of
from ..render.documents import FORMAT_VERSION
from ..render.safe import clean
from ..render.words import verdict
from .options import reporting
from .output import Output
from .saved_plans import FILE


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("key", type=FILE)
@reporting
def command(file: Path, key: Path, output: Output) -> None:
    """Sign the saved plan FILE with the Ed25519 private KEY (PEM); look at it first with `flext show FILE`.

    The signature is added to FILE.sig, beside those of others. A passphrase is taken from FLEXT_SIGN_PASSPHRASE.

    \b
    Example:
      flext sign plan.json alice.pem
    """
    read: list[bytes] = []
    plan = load_saved(file, now=datetime.now(UTC), check=read.append).plan
    public = sign(file, read[0], load_key(key, os.environ.get(PASSPHRASE)))
    beside = signatures_of(file)
    if output.json:
        signed = {"plan": fingerprint(plan), "public_key": public, "signatures": str(beside)}
        output.document({"format_version": FORMAT_VERSION, **signed})
    else:
        output.text(
            f"Signed for {clean(plan.environment)}: {verdict(plan)}. The signature is in {clean(str(beside))}.\n"
        )
