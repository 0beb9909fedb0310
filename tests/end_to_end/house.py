"""A desired state on disk, the two embedded services on loopback sockets, and the real command in a subprocess."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from flext_reconciler.sandbox import Running, Sandbox

FLEXT = (sys.executable, "-m", "flext_reconciler")

PLATFORM = """\
kind: plugin
name: extractor
spec: {type: source, version: 1.0.0, entry_point: orders.extract, description: first}
---
kind: plugin
name: runtime
service: flexcore
spec: {type: meltano, config: {flexcore_node_url: "http://localhost"}}
---
kind: pipeline
name: orders
spec:
  schedule: "@daily"
  active: true
  steps: [{name: extract, plugin: extractor}]
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return orjson.loads(self.out)


@dataclass
class House:
    """One test's own platform."""

    root: Path
    running: Mapping[str, Running]
    sandboxes: Mapping[str, Sandbox]
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str) -> Path:
        """Write a file below the test's folder."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def environment(self, name: str = "dev", **services: Mapping[str, Any]) -> None:
        """Write an environment file for the running services; keywords change one of them."""
        lines = ["services:"]
        for service, running in self.running.items():
            settings = {"url": running.url, "timeout": 2, **services.get(service.replace("-", "_"), {})}
            lines.append(f"  {service}: {orjson.dumps(settings).decode()}")
        self.write(f"desired-state/environments/{name}.yaml", "\n".join([*lines, "defaults: {plugin: flext-service}"]))

    def popen(self, *args: str, **more: Any) -> subprocess.Popen[str]:
        """Start a command."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root), "LANG": "C.UTF-8", "FLEXT_WHO": "tester@here"}
        return subprocess.Popen(
            [*FLEXT, *args],
            cwd=self.root,
            env={**environ, **self.environ, **more.pop("environ", {})},
            text=True,
            encoding="utf-8",
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        )

    def flext(self, *args: str, **more: Any) -> Ended:
        """Run a command to its end; one that hangs fails the test."""
        process = self.popen(*args, **more)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert "Traceback" not in (err or ""), err
        return Ended(process.returncode, out or "", err or "")

    def apply(self, *args: str) -> Ended:
        """Apply without being asked, and succeed."""
        ended = self.flext("apply", "--auto-approve", *args)
        assert ended.code == 0, ended.err
        return ended

    def fault(self, name: str, service: str = "flext-service", **match: Any) -> None:
        """Switch a fault on."""
        self.sandboxes[service].faults.switch_on(name, **match)

    def writes(self, service: str | None = None) -> list[str]:
        """Every request that could have written."""
        names: Sequence[str] = [service] if service else list(self.sandboxes)
        log = [entry for name in names for entry in tuple(self.sandboxes[name].faults.log)]
        return [f"{entry.method} {entry.path}" for entry in log if entry.method != "GET"]

    def pipeline(self, name: str = "orders") -> Mapping[str, Any]:
        """A pipeline as the service itself shows it."""
        url = f"{self.running['flext-service'].url}/api/v1/pipelines?page_size=100"
        (found,) = [item for item in httpx.get(url).json()["data"]["pipelines"] if item["name"] == name]
        return found

    def edit(self, **changes: Any) -> None:
        """Change the pipeline behind flext's back."""
        url = f"{self.running['flext-service'].url}/api/v1/pipelines/{self.pipeline()['id']}"
        httpx.put(url, json=changes).raise_for_status()
