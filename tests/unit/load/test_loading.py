"""What holds for a load as a whole."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import load_cases
from flext_reconciler.errors import DesiredStateError
from flext_reconciler.load import load_environment
from flext_reconciler.model import Secret
from flext_reconciler.references import Fingerprinter

TOKEN = "kind: plugin\nname: {name}\nspec: {{type: t, config: {{token: '${{env:TOKEN}}'}}}}\n---\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    text = "".join(TOKEN.format(name=f"plugin-{number}") for number in (3, 1, 2))
    load_cases.write_files({"files": {"a.yaml": text, "certificates/ca.pem": "x"}}, tmp_path / "desired-state")
    return tmp_path / "desired-state"


@pytest.mark.parametrize("enabled", [True, False])
@pytest.mark.parametrize("text", ["", "kind: ["])
def test_the_collector_is_given_back_as_it_was(root, text, enabled):
    (root / "b.yaml").write_text(text)
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        load_cases.load_case({}, root)
    except DesiredStateError:
        pass
    finally:
        after = gc.isenabled()
        (gc.enable if was_enabled else gc.disable)()
    assert after is enabled
    assert gc.get_freeze_count() == 0


def test_resources_are_sorted_and_secrets_are_fingerprints_of_their_values(root):
    resources = load_cases.load_case({}, root).declaration.resources
    assert [item.address.name for item in resources] == ["plugin-1", "plugin-2", "plugin-3"]
    fingerprint = Fingerprinter(load_cases.KEY).of("s3cret-value")
    assert {item.spec["config"]["token"] for item in resources} == {Secret("${env:TOKEN}", fingerprint)}
    assert load_cases.load_case({"environ": {"TOKEN": "another"}}, root).declaration.resources != resources


def test_nothing_that_is_returned_shows_a_secret(root):
    assert "s3cret-value" not in repr(load_cases.load_case({}, root))


def test_the_certificates_of_a_service_are_named_whole_and_its_credentials_stay_references(root):
    (root / "environments" / "dev.yaml").write_text(
        "services:\n  flexcore: {url: 'https://core.invalid/', ca_file: certificates/ca.pem, token: '${env:TOKEN}'}\n"
    )
    environment = load_environment(root, None, load_cases.CATALOG, environ={"TOKEN": "s3cret-value"})
    service = environment.services["flexcore"]
    assert service.ca_file == str(root.resolve() / "certificates" / "ca.pem")
    assert service.url == "https://core.invalid"
    assert service.token is not None and service.token.text == "${env:TOKEN}"
    assert service.place is not None and str(service.place).endswith("environments/dev.yaml:2:3")


def test_the_same_input_gives_the_same_messages_whatever_the_hash_seed(root):
    (root / "a.yaml").write_text("kind: plugin\nname: a b\nx: 1\nspec: {b: 1, a: 2, type: 5}\n")
    script = "import sys, pathlib, load_cases; print(load_cases.outcome({}, pathlib.Path(sys.argv[1])))"
    said = {
        subprocess.run(
            [sys.executable, "-c", script, str(root)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(load_cases.__file__).parent)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(said) == 1


def test_a_wide_platform_with_many_wrong_addresses_is_reported_in_no_time_that_grows_with_both(root, monkeypatch):
    compared: list[int] = []

    def counting(name, names, n):
        compared.append(len(names))
        return []

    monkeypatch.setattr("flext_reconciler.load.wording.get_close_matches", counting)
    document = "kind: plugin\nname: p-{0}\nspec: {{type: t}}\ndepends_on: [flexcore.plugin/q-{0}]\n"
    (root / "a.yaml").write_text("---\n".join(document.format(number) for number in range(1000)))
    with pytest.raises(DesiredStateError) as caught:
        load_cases.load_case({}, root)
    assert len(caught.value.problems) == len(compared) == 1000
    assert max(compared) <= 100
