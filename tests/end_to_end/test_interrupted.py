"""What is told of a run that was killed, how its plan is finished, and removals in two phases on the command line."""

from __future__ import annotations

import signal

import pytest

from .house import PLATFORM


@pytest.fixture
def killed(house):
    """A platform on which an apply was killed while the service had its first request."""
    house.fault("hang", method="POST", path="/api/v1/plugins")
    process = house.popen("apply", "--auto-approve")
    while not house.writes("flext-service"):
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    house.sandboxes["flext-service"].faults.switch_off()
    return house


def test_the_next_plan_says_what_was_in_flight(killed):
    planned = killed.flext("plan")
    assert planned.code == 0
    assert "Run 1 by tester@here was interrupted; in flight: create flexcore.plugin/runtime" in planned.err
    assert "create flext-service.plugin/extractor. This goes on" in planned.err
    told = killed.flext("history", "1").out
    assert "cut short" in told
    assert "in flight  + create flext-service.plugin/extractor" in told
    (run,) = killed.flext("history", "--json").json["runs"]
    assert {item["address"] for item in run["in_flight"]} >= {"flext-service.plugin/extractor"}


def test_the_next_apply_says_so_and_goes_on(killed):
    assert "was interrupted" in killed.apply().err
    assert "was interrupted" not in killed.flext("plan").err
    assert killed.flext("plan", "--detailed-exitcode").code == 0


def test_resuming_finishes_the_interrupted_plan_and_asks_nobody(killed):
    declared = PLATFORM + "---\n{kind: plugin, name: late, spec: {type: source, version: 1.0.0, entry_point: a}}\n"
    killed.write("desired-state/platform.yaml", declared)
    resumed = killed.flext("apply", "--resume", "--json")
    assert resumed.json["counts"]["done"] == len(resumed.json["outcomes"])
    assert resumed.code == 5, "what was declared since is not in the plan, and the proof says so"
    assert "late" not in "".join(outcome["address"] for outcome in resumed.json["outcomes"])
    killed.apply()


def test_there_is_nothing_to_resume_twice(killed):
    assert killed.flext("apply", "--resume").code == 0
    again = killed.flext("apply", "--resume")
    assert again.code == 1
    assert "no run was interrupted" in again.err
    assert killed.flext("plan", "--detailed-exitcode").code == 0


def test_resuming_goes_with_nothing_else(killed):
    for more in (["--prune"], ["--target", "flexcore.plugin/runtime"]):
        assert killed.flext("apply", "--resume", *more).code == 64
    assert killed.writes("flext-service") == ["POST /api/v1/plugins"]


def test_pruning_disables_first_and_says_when_it_deletes(house):
    house.apply()
    house.write("desired-state/platform.yaml", PLATFORM.rpartition("---\n")[0])
    planned = house.flext("plan", "--prune", "--tombstone-days", "3")
    assert planned.out.count("disabled now") == 1
    assert "only disabled now; pruning in 3 days or later deletes it, unless declared again" in planned.out
    house.apply("--prune", "--tombstone-days", "3")
    assert house.pipeline()["is_active"] is False
    assert "flext-service.pipeline/orders: disabled, due on" in house.flext("plan").out
    purged = house.flext("plan", "--prune", "--purge-now", "--json")
    assert [change["action"] for change in purged.json["changes"]] == ["delete"]
    house.write("desired-state/platform.yaml", PLATFORM)
    house.apply()
    assert house.pipeline()["is_active"] is True
    assert "disabled" not in house.flext("plan").out


def test_purging_is_a_way_to_prune(house):
    refused = house.flext("plan", "--purge-now")
    assert refused.code == 64
    assert "--prune" in refused.err
