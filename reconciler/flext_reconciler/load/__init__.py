"""YAML to a declaration: strict, offline, and with every problem at its file, line and column.

    files → sources → (environment) → documents → resources → links

`parse` reads YAML in one pass over the parser's events, `cache` remembers what it read, `symbols` replaces references,
`findings` validates with a kind's Spec, and `problems` finds the place of what is wrong once everything is known.
"""

from .environment import Environment, load_environment
from .ledger_url import ledger_url
from .loading import Loaded, load
from .services import ALLOWED_ORIGINS, EMBEDDED

__all__ = ["ALLOWED_ORIGINS", "EMBEDDED", "Environment", "Loaded", "ledger_url", "load", "load_environment"]
