"""The commands as a user runs them: real processes, real sockets, real files."""

from __future__ import annotations

import yaml

from .house import PLATFORM


def test_the_whole_way(house):
    assert house.flext("validate").code == 0
    planned = house.flext("plan", "--detailed-exitcode", "--json")
    assert planned.code == 2
    assert planned.json["summary"]["create"] == 3
    assert house.writes() == []
    applied = house.apply("--json")
    assert applied.json["converged"] is True
    assert {item["status"] for item in applied.json["outcomes"]} == {"done"}
    assert house.flext("plan", "--detailed-exitcode").code == 0
    assert house.flext("drift").code == 0


def test_a_second_apply_writes_nothing_and_says_so(house):
    house.apply()
    written = house.writes()
    again = house.flext("apply", "--auto-approve")
    assert again.code == 0
    assert "No changes" in again.out
    assert house.writes() == written


def test_drift_names_who_moved_and_ends_with_it(house):
    house.apply()
    house.edit(is_active=False)
    drifted = house.flext("drift", "--json")
    assert drifted.code == 3
    assert drifted.json["complete"] is True
    assert [item["drift"] for item in drifted.json["drift"]] == ["actual"]
    house.write("desired-state/platform.yaml", PLATFORM.replace("description: first", "description: second"))
    assert house.flext("drift").code == 4
    house.apply()
    house.write("desired-state/platform.yaml", PLATFORM)
    assert house.flext("drift").code == 2


def test_drift_claims_nothing_of_what_it_could_not_look_at(house):
    house.apply()
    house.fault("http_500", "flexcore")
    looked = house.flext("drift")
    assert looked.code == 1
    assert "Nothing is known to have moved; 1 of 3 resources could not be looked at." in looked.out
    assert house.flext("drift", "--json").json["complete"] is False
    house.edit(is_active=False)
    assert "The platform drifted; 1 of 3 resources" in house.flext("drift").out


def test_an_outside_edit_is_put_right(house):
    house.apply()
    house.edit(is_active=False)
    house.apply()
    assert house.pipeline()["is_active"] is True


def test_a_saved_plan_is_applied_as_it_was_reviewed(house):
    saved = house.flext("plan", "--out", "plan.json")
    assert "flext apply plan.json -e dev" in saved.out
    applied = house.flext("apply", "plan.json")
    assert applied.code == 0, applied.err
    assert house.flext("plan", "--detailed-exitcode").code == 0


def test_a_saved_plan_refuses_what_moved_and_nothing_else(house):
    house.apply()
    changed = PLATFORM.replace("description: first", "description: second").replace("@daily", "@weekly")
    house.write("desired-state/platform.yaml", changed)
    house.flext("plan", "--out", "plan.json")
    house.edit(schedule="@hourly")
    applied = house.flext("apply", "plan.json")
    assert applied.code == 8
    assert 'planned from "@daily", now "@hourly", wanted "@weekly"' in applied.out
    assert "1 done, 1 stale" in applied.out


def test_a_plan_of_another_ledger_is_stale(house):
    house.flext("plan", "--out", "plan.json")
    refused = house.flext("apply", "plan.json", environ={"FLEXT_STATE_DIR": str(house.root / "elsewhere")})
    assert refused.code == 8
    assert "another ledger" in refused.err
    assert house.writes() == []


def test_show_renders_a_saved_plan_in_every_format(house):
    house.flext("plan", "--out", "plan.json")
    text, markdown = house.flext("show", "plan.json"), house.flext("show", "plan.json", "--format", "markdown")
    assert "3 changes: 3 creates" in text.out
    assert markdown.out.startswith("<!-- flext:plan environment=dev fingerprint=")
    assert house.flext("show", "plan.json", "--json").json["summary"]["create"] == 3


def test_an_export_plans_empty_elsewhere(house):
    house.apply()
    exported = house.flext("export")
    assert exported.code == 0, exported.err
    house.write("desired-state/platform.yaml", exported.out)
    planned = house.flext("plan", "--json")
    assert planned.code == 0
    assert planned.json["changes"] == []
    assert len(list(yaml.safe_load_all(exported.out))) == 3


def test_export_takes_addresses_services_and_kinds(house):
    house.apply()
    assert house.flext("export", "--kind", "pipeline").out.count("kind:") == 1
    assert house.flext("export", "--service", "flexcore", "--json").json["resources"] == 1
    assert "name: extractor" in house.flext("export", "flext-service.plugin/extractor").out
    missing = house.flext("export", "flext-service.plugin/nobody")
    assert missing.code == 1
    assert "flext-service.plugin/nobody" in missing.err


def test_an_export_of_nothing_says_so(house):
    nothing = house.flext("export")
    assert (nothing.code, nothing.out) == (0, "")
    assert "--all" in nothing.err
    kind = house.flext("export", "--kind", "plugni")
    assert (kind.code, kind.out) == (64, "")
    assert "--kind plugni: the environment has none\n  did you mean `plugin`?" in kind.err
    assert house.flext("export", "--service", "flexcor", "--json").json["error"]["hint"] == "did you mean `flexcore`?"
    assert house.flext("export", "--service", "flexcore", "--kind", "pipeline").code == 64


def test_status_has_the_fields_of_the_guide(house):
    well = house.flext("status", "--json")
    assert well.code == 0
    for service in well.json["services"]:
        assert service.keys() == {"service_name", "status", "response_time_ms", "last_check", "details"}
    house.fault("http_500", "flexcore")
    ill = house.flext("status")
    assert ill.code == 1
    assert "1 of 2 services healthy" in ill.out


def test_what_is_no_longer_declared_is_kept_until_pruned(house):
    house.apply()
    house.write("desired-state/platform.yaml", PLATFORM.rpartition("---\n")[0])
    kept = house.flext("plan", "--json")
    assert kept.json["changes"] == []
    assert kept.json["prunable"] == ["flext-service.pipeline/orders"]
    house.apply("--prune")
    assert house.flext("plan", "--json").json["prunable"] == []


def test_embedded_services_remember_between_commands(house):
    house.write(
        "desired-state/environments/dev.yaml",
        "services: {flexcore: {url: embedded}, flext-service: {url: embedded}}\ndefaults: {plugin: flext-service}\n",
    )
    house.apply()
    planned = house.flext("plan", "--json")
    assert planned.json["services"] == {"flexcore": "embedded", "flext-service": "embedded"}
    assert planned.json["changes"] == []
    assert house.writes() == []


def test_init_gives_something_that_works_and_overwrites_nothing(house):
    first = house.flext("init", "fresh")
    assert "Next: flext plan fresh -e dev" in first.out
    assert house.flext("plan", "fresh", "--detailed-exitcode").code == 2
    assert house.flext("apply", "fresh", "--auto-approve").code == 0
    house.write("fresh/platform.yaml", "mine")
    again = house.flext("init", "fresh", "--json")
    assert again.json["written"] == []
    assert (house.root / "fresh" / "platform.yaml").read_text(encoding="utf-8") == "mine"


def test_the_state_stands_beside_the_declaration_or_where_it_is_told(house):
    house.flext("plan")
    assert (house.root / "desired-state" / ".flext").is_dir()
    house.flext("plan", environ={"FLEXT_STATE_DIR": str(house.root / "state")})
    assert (house.root / "state").is_dir()


def test_one_file_of_several_says_nothing_about_the_others(house):
    house.apply()
    first, rest = PLATFORM.split("---\n", 1)
    house.write("desired-state/platform.yaml", first)
    house.write("desired-state/rest.yaml", rest)
    pruned = house.flext("plan", "--prune", "desired-state/rest.yaml")
    assert pruned.code == 64
    assert "--prune would delete what the other files declare" in pruned.err
    planned = house.flext("plan", "desired-state/platform.yaml")
    assert planned.code == 0
    assert "No longer declared" not in planned.out
