"""Lets `python -m flext_reconciler` be `flext`."""

from .cli.main import main

main()
