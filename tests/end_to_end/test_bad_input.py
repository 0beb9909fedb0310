"""Bad input: one message with its place and the next step, the right exit code, no traceback, and no write.

Each file of tests/cases/bad_input is a case: `files`, `directories` and `repeat` stand below desired-state/, `faults`
are switched on, `plan` is made first and then changed by replacing text, `says` are regular expressions.
"""

from __future__ import annotations

import re
import signal
from pathlib import Path

import orjson
import pytest
import yaml

from flext_reconciler.cli.main import run

CASES = sorted((Path(__file__).parents[1] / "cases" / "bad_input").glob("*.yaml"))


@pytest.fixture(params=CASES, ids=lambda path: path.stem)
def case(request, house):
    given = yaml.safe_load(request.param.read_text(encoding="utf-8"))
    house.environment(flext_service=given.get("settings", {}))
    for name, text in given.get("files", {}).items():
        house.write(f"desired-state/{name}", text)
    for name in given.get("directories", ()):
        (house.root / "desired-state" / name).mkdir()
    if "repeat" in given:
        house.write(f"desired-state/{given['repeat']['file']}", given["repeat"]["text"] * given["repeat"]["times"])
    if "plan" in given:
        house.flext("plan", "--out", "plan.json")
        text = (house.root / "plan.json").read_text(encoding="utf-8")
        for old, new in given["plan"].items():
            assert old in text
            text = text.replace(old, new)
        house.write("plan.json", text)
    for service, fault in given.get("faults", {}).items():
        house.fault(fault, service)
    return given


def test_bad_input(case, house):
    ended = house.flext(*case.get("args", ["plan"]))
    assert ended.code == case.get("code", 1), ended.err
    for pattern in case["says"]:
        assert re.search(pattern, ended.err + ended.out), f"{pattern}\n{ended.err}{ended.out}"
    assert "met a bug" not in ended.err
    assert house.writes() == []


def test_bad_input_as_json(case, house, monkeypatch, capsys):
    """In this process: what a real one does is shown above."""
    monkeypatch.chdir(house.root)
    before = signal.getsignal(signal.SIGTERM)
    try:
        args = case.get("args", ["plan"])
        code = run([*args, *([] if "--json" in args else ["--json"])])
    finally:
        signal.signal(signal.SIGTERM, before)
    document = orjson.loads(capsys.readouterr().out)
    assert code == case.get("code", 1)
    if "error" in document:
        assert document["error"]["exit_code"] == code
        assert document["error"]["message"]
    else:
        assert document["blocked"]
    assert house.writes() == []
