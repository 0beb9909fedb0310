"""The commands and a line about each: enough for `flext --help`, which imports none of them."""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "init": "write a small desired state to start from",
    "validate": "check the desired state without asking any service",
    "plan": "show what an apply would do",
    "apply": "make the platform as declared",
    "drift": "tell who moved since the last apply",
    "show": "show a saved plan",
    "sign": "sign a saved plan",
    "rollback": "take back what a run did",
    "export": "write what a service holds as desired state",
    "status": "ask every service how it is",
    "history": "tell who applied what, and how it ended",
    "ledger": "show, export, import or forget what flext did",
    "lock": "tell who is applying",
    "unlock": "take the lock away from a process that lost it",
    "schema": "print the JSON Schema of what you write",
    "completion": "print the completion script of a shell",
    "sandbox": "run the embedded services",
}
"""Name → summary; the command is `command` in the module of that name."""
