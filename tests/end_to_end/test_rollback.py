"""Runs that are taken back: what they did and nothing else, guarded, saved, told, and proven like any other plan."""

from __future__ import annotations

from .house import PLATFORM

EDITED = PLATFORM.replace("@daily", "@weekly").replace("description: first", "description: second")
BAD = "---\nkind: plugin\nname: bad\nservice: flexcore\nspec: {type: meltano, config: {project: ./x}}\n"
WAITS = BAD + (
    "---\nkind: plugin\nname: waits\ndepends_on: [flexcore.plugin/bad]\n"
    "spec: {type: target, version: 1.0.0, entry_point: x}\n"
)
GOOD = WAITS.replace("project: ./x", 'project: ./x, flexcore_node_url: "http://localhost"')


def declare(house, text):
    house.write("desired-state/platform.yaml", text)


def schedules(house):
    """Return what the schedule of the pipeline is, and what it is declared to be."""
    changes = {change["address"]: change for change in house.flext("plan", "--json").json["changes"]}
    (field,) = changes["flext-service.pipeline/orders"]["fields"]
    return [field["before"], field["after"]]


def ended(ended):
    """Return how each change of a document ended."""
    return {item["address"]: f"{item['action']} {item['status']}" for item in ended.json["outcomes"]}


def test_a_run_is_taken_back_and_that_is_proven(house):
    house.apply()
    declare(house, EDITED)
    house.apply()
    written = house.writes()
    refused = house.flext("rollback", "2")
    assert (refused.code, "nobody can be asked" in refused.err) == (1, True)
    assert house.writes() == written
    back = house.flext("rollback", "2", "--auto-approve")
    assert back.code == 0, back.err
    assert schedules(house) == ["@daily", "@weekly"]
    assert "nothing is left to do" in back.out
    assert "revert it too" in back.err
    written = house.writes()
    assert "rollback of run 2: 2 changes: 2 done" in house.flext("history").out
    again = house.flext("rollback", "2")
    assert "No changes" in again.out
    assert house.writes() == written
    assert house.flext("plan", "--detailed-exitcode").code == 2  # the declaration still asks for it


def test_what_a_run_made_is_removed_and_nothing_else(house):
    house.apply()
    declare(house, PLATFORM + "---\nkind: plugin\nname: loader\nspec: {type: target, version: 1.0.0, entry_point: x}\n")
    house.apply()
    back = house.flext("rollback", "2", "--auto-approve", "--json")
    assert back.code == 0, back.err
    assert [(item["address"], item["action"]) for item in back.json["outcomes"]] == [
        ("flext-service.plugin/loader", "delete")
    ]
    declare(house, PLATFORM)
    assert house.flext("plan", "--detailed-exitcode").code == 0


def test_what_a_run_adopted_is_nobodys_again(house):
    house.flext("apply", "--auto-approve", environ={"FLEXT_STATE_DIR": str(house.root / "elsewhere")})
    written = house.writes()
    house.apply("--adopt")
    assert "flext-service.plugin/extractor" in house.flext("ledger", "show").out
    back = house.flext("rollback", "1", "--auto-approve")
    assert back.code == 0, back.err
    assert "flext-service.plugin/extractor, which the run adopted" in back.out
    assert "flext-service.plugin/extractor" not in house.flext("ledger", "show").out
    assert house.writes() == written


def test_a_rollback_is_guarded_saved_and_refused_when_it_is_stale(house):
    house.apply()
    declare(house, EDITED)
    house.apply()
    saved = house.flext("rollback", "2", "--out", "back.json")
    assert saved.code == 0, saved.err
    assert house.flext("show", "back.json", "--json").json["undoes"] == 2
    house.edit(schedule="@hourly")
    stale = house.flext("apply", "back.json")
    assert stale.code == 8
    assert "1 done, 1 stale" in stale.out
    assert house.flext("rollback", "2", "--out", "rest.json").code == 0
    applied = house.flext("apply", "rest.json")
    assert "nothing is left to do" in applied.out
    assert "revert it too" in applied.err
    assert house.flext("rollback", "1", "--auto-approve", "--max-deletes", "0").code == 7


def test_what_cannot_be_brought_back_is_told_before_anything_is_done(house):
    house.environ["TOKEN"] = "old"
    declare(house, PLATFORM.replace("config: {", "config: {api_token: '${env:TOKEN}', "))
    house.apply()
    house.environ["TOKEN"] = "new"
    house.apply()
    back = house.flext("rollback", "2", "--auto-approve")
    assert "${env:TOKEN} stands for another value now" in back.out


def test_a_rollback_that_is_taken_back_leaves_nothing_to_revert(house):
    house.apply()
    declare(house, EDITED)
    house.apply()
    assert house.flext("rollback", "2", "--auto-approve").code == 0
    forth = house.flext("rollback", "3", "--auto-approve")
    assert forth.code == 0, forth.err
    assert "revert it too" not in forth.err
    assert house.flext("plan", "--detailed-exitcode").code == 0


# ------------------------------------------------------------------------------------------------ what is not its own


def test_what_a_run_never_began_stays_although_a_later_run_made_it(house):
    declare(house, PLATFORM + WAITS)
    assert house.flext("apply", "--auto-approve").code == 6
    assert "5 changes: 3 done, 1 failed, 1 blocked" in house.flext("history").out
    declare(house, PLATFORM + GOOD)
    house.apply()
    assert "flexcore.plugin/bad" in house.flext("ledger", "show").out
    back = house.flext("rollback", "1", "--auto-approve", "--json")
    assert ended(back) == {
        "flexcore.plugin/runtime": "delete done",
        "flext-service.pipeline/orders": "delete done",
        "flext-service.plugin/extractor": "delete done",
    }, back.err
    left = house.flext("ledger", "show").out
    assert "flexcore.plugin/bad" in left
    assert "flext-service.plugin/waits" in left


def test_what_a_later_run_made_anew_is_not_the_runs_any_more(house):
    house.apply()
    declare(house, PLATFORM.rpartition("---\n")[0])
    house.apply("--prune", "--purge-now")
    declare(house, PLATFORM)
    house.apply()
    back = house.flext("rollback", "1", "--auto-approve")
    assert "it is not as the run left it: run 3 made it since" in back.out
    assert "`flext rollback 3` takes that back" in back.out
    assert house.pipeline()["is_active"] is True
    assert back.code != 0
    assert house.flext("rollback", "3", "--auto-approve").code == 0
    assert house.flext("rollback", "1", "--auto-approve").code == 0


def test_what_a_later_run_changed_and_loses_is_told(house):
    house.apply()
    declare(house, EDITED)
    house.apply()
    declare(house, EDITED.replace("@weekly", "@hourly"))
    house.apply()
    back = house.flext("rollback", "2", "--auto-approve")
    assert "run 3 changed schedule of flext-service.pipeline/orders since" in back.out
    assert "description" not in back.out.partition("Notes")[2]
    assert "to be as it was before the run that is taken back" in back.out
    assert schedules(house) == ["@daily", "@hourly"]
    again = house.flext("rollback", "2", "--auto-approve")
    assert "since" not in again.out
