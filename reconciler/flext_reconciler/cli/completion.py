"""`flext completion`: the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .main import cli
from .options import reporting
from .output import Output


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@reporting
def command(shell: str, output: Output) -> None:
    """Print the completion script of SHELL. Completing reads local files only.

    \b
    Install it:
      bash   flext completion bash > ~/.local/share/bash-completion/completions/flext
      zsh    flext completion zsh > "${fpath[1]}/_flext"
      fish   flext completion fish > ~/.config/fish/completions/flext.fish
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    script = found(cli, {}, "flext", "_FLEXT_COMPLETE").source()
    if output.json:
        output.document({"shell": shell, "script": script})
    else:
        output.text(script + "\n")
