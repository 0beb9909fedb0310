"""The ledger's commands as a user runs them, on both stores: looking, keeping, bringing back, unlocking."""

from __future__ import annotations

import re
import signal

import pytest

from flext_reconciler.ledger import open_ledger

EXTRACTOR = "flext-service.plugin/extractor"


@pytest.fixture
def remembered(request, house):
    """A platform whose ledger is in SQLite, or where the test says."""
    house.ledger = ""
    if getattr(request, "param", "") == "postgres":
        server = request.getfixturevalue("postgres")
        server.empty()
        house.ledger = server.url
        environment = house.root / "desired-state/environments/dev.yaml"
        environment.write_text(f"ledger: {server.url}\n{environment.read_text(encoding='utf-8')}", encoding="utf-8")
    return house


on_both = pytest.mark.parametrize("remembered", ["sqlite", "postgres"], indirect=True)
on_postgres = pytest.mark.parametrize("remembered", ["postgres"], indirect=True)


def opened(house):
    return open_ledger(house.root / "desired-state" / ".flext", "dev", url=house.ledger)


@on_both
def test_the_history_keeps_who_what_and_the_plan(remembered):
    remembered.apply()
    listed = remembered.flext("history")
    assert re.search(r"1 +20\d\d-.* tester@here .* converged +3 changes: 3 done", listed.out)
    kept = remembered.flext("history", "1", "--json").json
    assert (kept["run"]["who"], kept["run"]["result"], len(kept["run"]["outcomes"])) == ("tester@here", "converged", 3)
    assert kept["plan"]["fingerprint"] == kept["run"]["plan"]


def test_one_run_is_told_whole_and_an_unknown_one_not_at_all(remembered):
    assert remembered.flext("history").out == "Nothing was applied yet.\n"
    remembered.apply()
    told = remembered.flext("history", "1")
    assert f"+ create {EXTRACTOR}" in told.out
    assert "flext plan  dev" in told.out
    assert [run["id"] for run in remembered.flext("history", "--json").json["runs"]] == [1]
    missing = remembered.flext("history", "9")
    assert (missing.code, "no run 9" in missing.err) == (1, True)


def test_showing_what_is_held(remembered):
    remembered.apply()
    shown = remembered.flext("ledger", "show")
    assert "3 resources" in shown.out
    assert "the lock is free" in shown.out
    assert EXTRACTOR in shown.out
    details = remembered.flext("ledger", "show", EXTRACTOR)
    assert 'entry_point  "orders.extract"' in details.out
    document = remembered.flext("ledger", "show", EXTRACTOR, "--json").json
    (resource,) = document["resources"]
    assert resource["desired"]["version"] == "1.0.0"
    assert (document["serial"], document["lock"]) == (opened(remembered).serial, None)
    assert remembered.flext("ledger", "show", "flexcore.plugin/nobody").code == 1


def test_forgetting_touches_no_service_and_is_found_again(remembered):
    remembered.apply()
    written = remembered.writes()
    forgotten = remembered.flext("ledger", "forget", EXTRACTOR, "--json")
    assert (forgotten.code, forgotten.json) == (
        0, {"format_version": "1.0", "forgotten": [EXTRACTOR], "run": 2}
    )  # fmt: skip
    assert remembered.flext("ledger", "show", EXTRACTOR).code == 1
    assert f"forgot {EXTRACTOR}" in remembered.flext("history").out
    assert remembered.writes() == written
    assert remembered.flext("ledger", "forget", EXTRACTOR).code == 1


@on_postgres
def test_an_export_brings_a_ledger_back(remembered):
    remembered.apply()
    kept = remembered.flext("ledger", "export", "--with-key", "--out", "kept.json")
    assert (kept.code, kept.out) == (0, "")
    assert (remembered.root / "kept.json").stat().st_mode & 0o777 == 0o600
    bare = remembered.flext("ledger", "export")
    assert '"key"' not in bare.out
    refused = remembered.flext("ledger", "import", "kept.json")
    assert (refused.code, "is not empty" in refused.err) == (1, True)
    elsewhere = {"FLEXT_STATE_DIR": str(remembered.root / "other")}
    remembered.environment()  # the other one is in SQLite, whatever this one is in
    imported = remembered.flext("ledger", "import", "kept.json", environ=elsewhere)
    assert (imported.code, imported.out) == (0, "Imported: 3 resources, 1 run.\n")
    planned = remembered.flext("plan", "--detailed-exitcode", environ=elsewhere)
    assert planned.code == 0, planned.out
    assert remembered.flext("ledger", "export", "--with-key", environ=elsewhere).out == (
        remembered.root / "kept.json"
    ).read_text(encoding="utf-8")


def test_a_lock_is_shown_respected_and_taken_away(remembered):
    assert "the lock is free" in remembered.flext("lock", "show").out
    with opened(remembered) as ledger, ledger.lock("apply", who="somebody") as lease:
        shown = remembered.flext("lock", "show", "--json").json["lock"]
        assert (shown["id"], shown["owner"], shown["state"]) == (lease.id, "somebody", "held")
        assert f"flext unlock {lease.id} --force" in remembered.flext("lock", "show").out
        for command in (["ledger", "forget", EXTRACTOR], ["unlock", lease.id]):
            locked = remembered.flext(*command)
            assert (locked.code, "somebody" in locked.err) == (9, True)
        assert remembered.flext("unlock", "beef", "--force").code == 1
        unlocked = remembered.flext("unlock", lease.id, "--force")
        assert (unlocked.code, "somebody" in unlocked.out) == (0, True)
        remembered.apply()
    assert remembered.flext("lock", "show", "--json").json["lock"] is None


@on_postgres
def test_a_killed_apply_leaves_no_lock_and_is_told(remembered):
    remembered.fault("hang", method="POST", path="/api/v1/plugins")
    process = remembered.popen("apply", "--auto-approve")
    with opened(remembered) as ledger:
        while not any(record.pending for record in ledger.records().values()):
            assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    remembered.sandboxes["flext-service"].faults.switch_off()
    assert "cut short" in remembered.flext("history").out
    remembered.apply("--lock-timeout", "1")
    assert remembered.flext("plan", "--detailed-exitcode").code == 0


@on_postgres
def test_what_a_lost_ledger_could_not_store_is_taken_back(remembered, postgres):
    remembered.fault("slow", method="POST", path="/api/v1/plugins", seconds=1.5)
    process = remembered.popen("apply", "--auto-approve")
    with opened(remembered) as ledger:
        while not any(str(address) == EXTRACTOR for address in ledger.records()):
            assert process.poll() is None, process.stderr.read()
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flext'")
    out, _ = process.communicate()
    assert process.returncode != 0
    assert "the ledger cannot be written" in out
    (file,) = (remembered.root / "desired-state" / ".flext").glob("dev.rescue-1-*.json")
    assert str(file.relative_to(remembered.root)) in out
    for command in ("plan", "history"):
        assert f"ledger import {file} -e dev` takes it back" in remembered.flext(command).err
    imported = remembered.flext("ledger", "import", str(file), "--json")
    stored = imported.json["stored"]
    assert stored  # which of those that were under way came first is up to them
    aside = file.with_name(f"{file.name}.imported")
    assert f"is called {aside.name} now" in imported.err
    assert "takes it back" not in remembered.flext("history").err
    assert f"Known already: {', '.join(stored)}" in remembered.flext("ledger", "import", str(aside)).out
    assert "rescued" in remembered.flext("history").out
    remembered.sandboxes["flext-service"].faults.switch_off()
    remembered.apply()
    writes = remembered.writes()
    assert len(writes) == len(set(writes))  # nothing was sent twice


def test_a_server_that_is_not_there_is_explained(house):
    environment = house.root / "desired-state/environments/dev.yaml"
    url = "postgresql://flext:${env:DB_PASSWORD}@127.0.0.1:1/db"
    environment.write_text(f"ledger: {url}\n{environment.read_text(encoding='utf-8')}", encoding="utf-8")
    unset = house.flext("plan")
    assert (unset.code, "dev.yaml:1:9: the environment variable DB_PASSWORD is not set" in unset.err) == (1, True)
    house.environ["DB_PASSWORD"] = "p@ss/wörd"
    planned = house.flext("plan", "--json")
    assert planned.code == 1
    assert planned.json["error"]["message"].startswith("the ledger postgresql://127.0.0.1:1/db (flext_dev) cannot be")
    assert "ss/w" not in planned.out + planned.err
    environment.write_text(environment.read_text(encoding="utf-8").replace("${env:DB_PASSWORD}", "hunter2"))
    clear = house.flext("validate")
    assert (clear.code, "dev.yaml:1:9: a secret is written out here" in clear.err) == (1, True)
    assert "hunter2" not in clear.out + clear.err
