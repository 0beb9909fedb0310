"""`flext init`: a small desired state to start from."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from ..errors import FlextError
from ..render.documents import FORMAT_VERSION
from ..render.safe import clean
from .options import DEFAULT_ROOT, reporting
from .output import Output

SCAFFOLD = {"environments/dev.yaml": "dev.yaml", "platform.yaml": "platform.yaml", ".gitignore": "gitignore"}
"""What is written, and the file of the folder `scaffold` that it is copied from."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_ROOT, metavar="[PATH]")
@reporting
def command(path: Path, output: Output) -> None:
    """Write a small desired state to PATH: an environment `dev` on the embedded services, a plugin and a pipeline.

    What exists already is never overwritten.

    \b
    Example:
      flext init && flext plan -e dev
    """
    existing = [name for name in SCAFFOLD if (path / name).exists()]
    written = [name for name in SCAFFOLD if name not in existing]
    for name in written:
        _write(path / name, files(__package__).joinpath("scaffold", SCAFFOLD[name]).read_text(encoding="utf-8"))
    if output.json:
        document = {"format_version": FORMAT_VERSION, "path": str(path), "written": written, "kept": existing}
        output.document(document)
        return
    lines = [f"wrote  {path / name}" for name in written] + [f"kept   {path / name}" for name in existing]
    where = "" if path == DEFAULT_ROOT else f" {path}"
    output.text("\n".join(map(clean, [*lines, f"Next: flext plan{where} -e dev"])) + "\n")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise FlextError(f"cannot write {path}: {error.strerror}", hint="Choose another PATH.") from None
