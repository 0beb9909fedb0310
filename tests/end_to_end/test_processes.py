"""Streams, signals, locks and terminals, with real processes."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flext_reconciler.ledger import open_ledger
from flext_reconciler.model import Action, Address, Change, Plan, Reason
from flext_reconciler.planfile import save

from .house import FLEXT, PLATFORM

ESCAPE = "\x1b"


def wait_for(stream, pattern):
    """Read lines until one matches."""
    for line in stream:
        if re.search(pattern, line):
            return line
    raise AssertionError(f"never saw {pattern}")


# ---------------------------------------------------------------------------------------------------- streams


def test_data_goes_to_stdout_and_everything_else_to_stderr(house):
    applied = house.apply("--json")
    assert applied.json["converged"]
    assert len(re.findall(r"^\[\d/3\] done", applied.err, re.MULTILINE)) == 3


@pytest.mark.parametrize(
    ("environ", "args", "colored"),
    [
        ({}, [], False),
        ({"FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({"FORCE_COLOR": "1"}, ["--color", "never"], False),
    ],
)
def test_color_is_for_those_who_want_it(house, environ, args, colored):
    planned = house.flext("plan", *args, environ=environ)
    assert (ESCAPE in planned.out) is colored


def test_a_stream_that_is_not_utf_8_gets_ascii(house):
    planned = house.flext("plan", environ={"PYTHONIOENCODING": "ascii"})
    assert planned.code == 0
    assert planned.out.isascii()
    assert "3 changes: 3 creates | 0 unchanged" in planned.out


def test_a_reader_that_goes_away_is_no_error(house):
    resources = "---\n".join(
        f"kind: plugin\nname: plugin-{n}\nspec: {{type: source, version: 1.0.0, entry_point: a}}\n" for n in range(1500)
    )
    house.write("desired-state/platform.yaml", resources)
    with house.popen("plan") as process:
        assert process.stdout.readline().startswith("flext plan")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.fixture
def nobody():
    """The writing end of a pipe that nobody reads."""
    ours, theirs = os.pipe()
    os.close(ours)
    yield theirs
    os.close(theirs)


def test_an_apply_whose_log_nobody_reads_is_finished(house, nobody):
    ended = house.flext("apply", "--auto-approve", stderr=nobody)
    assert "nothing is left to do" in ended.out
    assert ended.code == 0


@pytest.mark.parametrize("args", [["--help"], ["schema"]], ids=" ".join)
def test_output_that_nobody_reads_is_no_error(house, nobody, args):
    ended = house.flext(*args, stdout=nobody)
    assert (ended.code, ended.err) == (0, "")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
@pytest.mark.parametrize("args", [["plan"], ["plan", "--json"], ["--help"], ["apply", "--auto-approve"]], ids=" ".join)
def test_a_full_disk_is_told_when_data_is_lost_and_stops_no_apply_when_the_log_is(house, stream, args):
    with Path("/dev/full").open("w") as full:
        ended = house.flext(*args, **{stream: full})
    if stream == "stderr":
        assert ended.code == 0
        return
    assert ended.code == 1
    assert ended.err.endswith(
        "Error: cannot write the output: No space left on device\n"
        "  `flext history` tells what was applied, if anything.\n"
    )
    assert house.writes() == []


def test_what_a_pull_request_says_commands_no_runner(house):
    command = "##vso[task.setvariable variable=PATH]x ::error::x"
    house.write("desired-state/platform.yaml", PLATFORM.replace("description: first", f"description: '{command}'"))
    for args in (["plan"], ["plan", "--json"], ["plan", "--format", "markdown"], ["apply", "--auto-approve"]):
        ended = house.flext(*args)
        assert ended.code == 0, ended.err
        assert "##vso[" not in ended.out + ended.err
    exported = house.flext("export", "flext-service.plugin/extractor")
    assert yaml.safe_load(exported.out)["spec"]["description"] == command
    assert "##vso[" not in exported.out
    house.write("::error::x.yaml", "kind: nope")
    assert house.flext("validate", "::error::x.yaml").err.startswith(":\\x3aerror::x.yaml:1:")


def test_closed_streams_do_not_hang_or_crash(house):
    closed = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m flext_reconciler plan <&- >&- 2>&-"],
        cwd=house.root, timeout=60, check=False,
    )  # fmt: skip
    assert closed.returncode == 0


def test_an_apply_without_anybody_to_ask_ends_at_once(house):
    refused = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m flext_reconciler apply <&-"],
        cwd=house.root, timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "3 changes: 3 creates" in refused.stdout, "the log shows what was not approved"
    assert "--auto-approve" in refused.stderr
    assert house.writes() == []


def test_nobody_is_asked_when_there_is_nothing_to_do(house):
    house.apply()
    assert house.flext("apply").code == 0
    assert house.flext("apply", "--json").json["converged"] is True


# ---------------------------------------------------------------------------------------------------- terminals


def on_a_terminal(house, *args, answer):
    """Run a command on a pseudo-terminal and answer its question."""
    ours, theirs = pty.openpty()
    process = house.popen(*args, stdin=theirs, stdout=theirs, stderr=theirs, environ={"TERM": "xterm"})
    os.close(theirs)
    shown = ""
    while True:
        try:
            chunk = os.read(ours, 65536).decode("utf-8", "replace")
        except OSError:  # the other side is closed
            break
        shown += chunk
        if answer is not None and "Only `yes` is a yes" in shown:
            os.write(ours, answer.encode())
            answer = None
    os.close(ours)
    return process.wait(timeout=60), shown


def test_a_person_is_asked_and_may_say_yes(house):
    code, shown = on_a_terminal(house, "apply", answer="yes\n")
    assert code == 0, shown
    assert "nothing is left to do" in shown
    assert ESCAPE in shown


@pytest.mark.parametrize("answer", ["no\n", "y\n", "\n", "\x04"])
def test_anything_but_yes_changes_nothing(house, answer):
    code, shown = on_a_terminal(house, "apply", answer=answer)
    assert code == 1
    assert "not approved; nothing was changed" in shown
    assert house.writes() == []


# ---------------------------------------------------------------------------------------------------- signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_an_apply_at_the_end_of_a_step(house, number, code):
    house.fault("slow", method="POST", path="/api/v1/plugins", seconds=0.5)
    process = house.popen("apply", "--auto-approve", "--json")
    while not house.writes():  # the log is written when a request has been answered
        assert process.poll() is None, process.stderr.read()
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "Stopping" in err
    assert '"interrupted": true' in out
    assert '"not_started"' in out
    house.sandboxes["flext-service"].faults.switch_off()
    house.apply()
    assert house.flext("plan", "--detailed-exitcode").code == 0


def test_a_second_signal_stops_at_once_and_loses_nothing(house):
    house.fault("hang", method="POST", path="/api/v1/plugins")
    house.environment(flext_service={"timeout": 60})
    process = house.popen("apply", "--auto-approve")
    wait_for(process.stderr, "runtime")
    process.send_signal(signal.SIGINT)
    wait_for(process.stderr, "Stopping")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped at once" in err
    house.sandboxes["flext-service"].faults.switch_off()
    house.apply()
    assert house.flext("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_that_only_looks(house, number, code):
    house.fault("hang")
    house.environment(flext_service={"timeout": 60})
    process = house.popen("plan")
    flexcore = house.sandboxes["flexcore"].faults.log
    while not flexcore:
        assert process.poll() is None
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "interrupted; nothing was being applied" in err


def test_the_sandbox_prints_where_it_is_and_ends_on_a_signal(house):
    process = house.popen("sandbox", "--port", "flexcore=0", "--port", "flext-service=0", "--fault", "flexcore:slow")
    lines = [process.stdout.readline() for _ in range(2)]
    assert [re.sub(r"\d+\n", "N", line) for line in lines] == [
        "flexcore http://127.0.0.1:N",
        "flext-service http://127.0.0.1:N",
    ]
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


# ---------------------------------------------------------------------------------------------------- locks, guards


def test_two_applies_at_once(house):
    with open_ledger(house.root / "desired-state" / ".flext", "dev") as ledger, ledger.lock("apply", who="somebody"):
        locked = house.flext("apply", "--auto-approve", "--json")
    assert locked.code == 9
    assert "somebody" in locked.json["error"]["message"]
    assert house.writes() == []


def test_a_guard_shows_the_plan_and_names_its_flag(house):
    house.apply()
    house.write("desired-state/platform.yaml", "# nothing\n")
    written = house.writes()
    refused = house.flext("apply", "--auto-approve", "--prune", "--max-deletes", "1")
    assert refused.code == 7
    assert "\n3 changes: " in refused.out
    assert "--max-deletes 3" in refused.err
    assert "--allow-empty" in refused.err
    assert house.writes() == written
    house.apply("--prune", "--max-deletes", "3", "--allow-empty")


def test_what_is_not_ours_is_left_alone(house):
    house.apply()
    elsewhere = house.flext("apply", "--auto-approve", environ={"FLEXT_STATE_DIR": str(house.root / "other")})
    written = house.writes()
    house.flext("apply", "--auto-approve", environ={"FLEXT_STATE_DIR": str(house.root / "third")})
    assert elsewhere.code in (0, 7)
    assert house.writes() == written


def test_a_failed_change_leaves_the_rest_done(house):
    house.fault("http_500", method="POST", path="/api/v1/pipelines")
    partly = house.flext("apply", "--auto-approve", "--json")
    assert partly.code == 6
    assert partly.json["counts"]["done"] == 2
    assert partly.json["counts"]["failed"] == 1
    house.sandboxes["flext-service"].faults.switch_off()
    house.apply()


def test_hostile_names_in_a_saved_plan_reach_no_terminal(house):
    address = Address("flexcore", "plugin", "x\x1b]0;pwned\x07\u202e")
    save(Plan("dev", {}, changes=(Change(address, Action.CREATE, Reason.NEW, desired={}),)), house.root / "evil.json")
    for form in ("text", "markdown"):
        shown = house.flext("show", "evil.json", "--format", form)
        assert shown.out.replace("\n", "").isprintable()


def test_the_module_is_the_command():
    done = subprocess.run([*FLEXT, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("flext ")
