"""Both embedded services in a process of their own; prints their URLs and runs until its input ends."""

from __future__ import annotations

import sys

from flext_providers.flexcore.provider import PROVIDER as FLEXCORE
from flext_providers.flext_service.provider import PROVIDER as FLEXT_SERVICE
from flext_reconciler.sandbox import start


def main() -> None:
    """Serve until the parent closes our input."""
    for provider in (FLEXCORE, FLEXT_SERVICE):
        assert provider.embedded is not None
        print(start(provider.embedded.make(None)).url, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
