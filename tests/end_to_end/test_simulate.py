"""`flext plan --simulate` through the real command: nothing real is written, and the exit code tells the verdict."""

from __future__ import annotations

import pytest


@pytest.fixture
def applied(house):
    """A platform that was applied once, and edited in Git since."""
    house.apply("-e", "dev")
    path = house.root / "desired-state" / "platform.yaml"
    path.write_text(path.read_text().replace('"@daily"', '"@hourly"').replace("type: meltano", "type: ray"))
    for sandbox in house.sandboxes.values():
        sandbox.faults.log.clear()
    return house


def ledger_of(house):
    """What the ledger remembers, times included."""
    return house.flext("ledger", "export", "-e", "dev").out


def test_nothing_real_is_written(applied):
    before = ledger_of(applied)
    ended = applied.flext("plan", "-e", "dev", "--simulate")
    assert ended.code == 0, ended.err
    assert "It converges, at once." in ended.out
    assert "POST flexcore/api/v1/plugins/deploy" in ended.out
    assert applied.writes() == []
    assert ledger_of(applied) == before
    assert applied.flext("plan", "-e", "dev", "--detailed-exitcode").code == 2


def test_a_kill_at_a_step_shows_what_the_resume_does(applied):
    ended = applied.flext("plan", "-e", "dev", "--fail-at", "1:killed", "--json")
    assert ended.code == 0, ended.err
    document = ended.json
    assert document["apply"] is None
    assert document["converges"] is True
    assert document["fail_at"] == {"step": 1, "fault": "killed"}
    assert document["requests"][0]["address"] == "flexcore.plugin/runtime"
    assert {change["address"]: change["action"] for change in document["resume"]["changes"]} == {
        "flexcore.plugin/runtime": "create",
        "flext-service.pipeline/orders": "update",
    }
    assert document["further_runs"] == 1
    assert applied.writes() == []


def test_a_lost_reply_may_be_written_with_dashes_or_underscores(applied):
    one = applied.flext("plan", "-e", "dev", "--fail-at", "2:lost-reply")
    two = applied.flext("plan", "-e", "dev", "--fail-at", "2:lost_reply")
    assert one.code == two.code == 0, one.err
    assert one.out == two.out
    assert "no answer (lost_reply)" in one.out


def test_what_does_not_converge_ends_with_5(applied):
    # FlexCore without a factory for the type: the replace fails, and fails again as long as the type is declared.
    path = applied.root / "desired-state" / "platform.yaml"
    path.write_text(path.read_text().replace("type: ray", "type: spark"))
    ended = applied.flext("plan", "-e", "dev", "--simulate")
    assert ended.code == 5, ended.out
    assert "It does not converge." in ended.out
    assert "flexcore.plugin/runtime" in ended.out
    assert applied.writes() == []


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ("3", "not a step and a fault"),
        ("0:killed", "not a step and a fault"),
        ("x:killed", "not a step and a fault"),
        ("1:nonsense", "there is no fault nonsense"),
        ("99:killed", "there is no step 99"),
    ],
)
def test_a_step_or_a_fault_that_is_not_there_is_a_usage_error(applied, chosen, said):
    ended = applied.flext("plan", "-e", "dev", "--fail-at", chosen)
    assert ended.code == 64
    assert said in ended.err


def test_a_simulation_goes_with_no_review(applied):
    ended = applied.flext("plan", "-e", "dev", "--simulate", "--detailed-exitcode")
    assert ended.code == 64
    assert "a simulation goes with no" in ended.err


def test_markdown_is_one_fence(applied):
    ended = applied.flext("plan", "-e", "dev", "--simulate", "--format", "markdown")
    assert ended.code == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == "```text"
    assert lines[-1] == "```"
