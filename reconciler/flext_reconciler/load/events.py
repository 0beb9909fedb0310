"""The events of a YAML text, from PyYAML's C parser where it is built in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml import cyaml
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

Event = Any
"""A parser event; its attributes depend on its type."""


class _PureParser(Reader, Scanner, Parser):
    def __init__(self, data: bytes) -> None:
        Reader.__init__(self, data)
        Scanner.__init__(self)
        Parser.__init__(self)


def events(data: bytes) -> Iterator[Event]:
    """Return the events one by one; raises `yaml.YAMLError` at the first that cannot be made."""
    parser: Any = cyaml.CParser(data) if yaml.__with_libyaml__ else _PureParser(data)  # type: ignore[attr-defined]
    return iter(parser.get_event, None)
