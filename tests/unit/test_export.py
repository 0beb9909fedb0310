"""Exported YAML is valid, holds no secret, and declares exactly what the services hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

import load_cases
from flext_reconciler.export import to_yaml
from flext_reconciler.load import load
from flext_reconciler.model import Actual, Address, Presence, Secret
from flext_reconciler.references import Fingerprinter
from flext_reconciler.render.safe import inert
from flext_reconciler.spec import Local, Sensitive, Spec, Unordered, names_a_secret


class Thing(Spec):
    """Anything."""

    size: Annotated[int, Field(ge=0)] = 0
    words: Annotated[list[str], Unordered()] = Field(default_factory=list)
    config: dict[str, Any] = Field(default_factory=dict)
    hidden: Annotated[Any, Sensitive()] = None
    gate: Annotated[str, Local()] = ""


class Strict(Spec):
    """Something that has to be said."""

    type: str


KINDS = {("core", "thing"): Thing, ("core", "strict"): Strict, ("other", "thing"): Thing}
CATALOG = {"core": {"thing": Thing, "strict": Strict}, "other": {"thing": Thing}}
ENVIRONMENT = "services: {core: {url: embedded}, other: {url: embedded}}\n"
NAMES = st.from_regex(re.compile(Thing.name_pattern, re.ASCII), fullmatch=True)
AWKWARD = ["no", "010", "0o10", "1e3", ".inf", "~", "", " a", "a\n", "a\n b\n\n", "<<", "=", "12:30", "- x", "# x", "@"]
TEXTS = st.one_of(
    st.text(max_size=12),
    st.text(alphabet="#[v:\n\t\u202e é", max_size=8),
    st.text(alphabet="${}env:A", max_size=8),
    st.sampled_from(AWKWARD),
).filter(lambda text: "\0" not in text)
KEYS = st.just("api_token") | TEXTS.filter(lambda text: text != "<<")
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def actual(name: str, service: str = "core", kind: str = "thing", **spec: Any) -> Actual:
    return Actual(Address(service, kind, name), spec=spec)


def load_back(text: str, root: Path, environ: dict[str, str]):
    load_cases.write_files({"files": {"a.yaml": text, "environments/dev.yaml": ENVIRONMENT}}, root)
    return load(root, None, CATALOG, environ=environ, fingerprinter=Fingerprinter(b"k")).declaration.resources


def secrets_of(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [found for name, item in value.items() for found in secrets_of(item, name)]
    if isinstance(value, list):
        return [found for item in value for found in secrets_of(item, key)]
    return [value] if isinstance(value, str) and value and names_a_secret(key) else []


@given(st.dictionaries(NAMES, st.dictionaries(KEYS, VALUES, max_size=3), min_size=1, max_size=3))
def test_what_is_exported_is_declared(tmp_path_factory, found):
    actuals = [actual(name, size=3, words=["b", "a"], config=config, gate="x") for name, config in found.items()]
    text = to_yaml(actuals, KINDS)
    assert text.replace("\n", "").isprintable()
    assert inert(text) == text or "##" in text
    asked = re.findall(r"\$\{env:([A-Z0-9_]+)\}", text)
    text = inert(text)
    environ = dict.fromkeys(asked, "anything")
    resources = {item.address.name: item for item in load_back(text, tmp_path_factory.mktemp("root"), environ)}
    assert resources.keys() == found.keys()
    for name, config in found.items():
        assert resources[name].spec.keys() == {"size", "words", "config"}
        assert resources[name].spec["words"] == ["a", "b"]
        if not secrets_of(config):
            assert repr(resources[name].spec["config"]) == repr(config)


def test_secrets_become_references_that_say_what_to_set(tmp_path):
    config = {
        "api_token": "s3cret-value",
        "deep": {"api_token": "another-value"},
        "passwords": ["x"],
        "url": "http://x",
    }
    found = [
        actual("wms", config=config, hidden={"a": ["sensitive-value", ""]}),
        actual("wms", service="other", config={"key": Secret("", "fingerprint")}),
    ]
    text = to_yaml(found, KINDS)
    assert "-value" not in text
    assert text == (
        "# set before planning, to what the service holds: CORE_WMS_API_TOKEN, CORE_THING_WMS_CONFIG_DEEP_API_TOKEN, "
        "CORE_WMS_A\n"
        "kind: thing\nname: wms\nservice: core\nspec:\n  config:\n    api_token: ${env:CORE_WMS_API_TOKEN}\n    deep:\n"
        "      api_token: ${env:CORE_THING_WMS_CONFIG_DEEP_API_TOKEN}\n    passwords:\n    - x\n    url: http://x\n"
        '  hidden:\n    a:\n    - ${env:CORE_WMS_A}\n    - ""\n'
        "---\n"
        "# set before planning, to what the service holds: OTHER_WMS_KEY\n"
        "kind: thing\nname: wms\nservice: other\nspec:\n  config:\n    key: ${env:OTHER_WMS_KEY}\n"
    )
    environ = dict.fromkeys(re.findall(r"\$\{env:([A-Z0-9_]+)\}", text), "x")
    assert len(load_back(text, tmp_path, environ)) == 2


def test_what_cannot_be_seen_and_what_a_runner_obeys_stands_in_quotes_as_escapes(tmp_path):
    hidden = {"a\u202eb\u2066": "c\u200b\u007f\U000e0041\x9b", "::error::x": "##[x]\n::error::y\n", "q": "x\n y:: \n"}
    text = to_yaml([actual("wms", config=hidden)], KINDS)
    assert text.replace("\n", "").isprintable()
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    for shown in (text, inert(text)):
        assert load_back(shown, tmp_path, {})[0].spec["config"] == hidden


def test_what_cannot_be_declared_is_said(tmp_path):
    found = [
        actual("wms", size=-1, words=["a"]),
        actual("a b\n- c", size=1),
        actual("untyped", kind="strict"),
        actual("large", config={"n": 2**63}),
        actual("huge", config={"n": 2**70}),
        actual("twice", size=1),
        actual("twice", size=2),
        actual("elsewhere", kind="nothing"),
        Actual(Address("core", "thing", "gone"), Presence.ABSENT),
        Actual(Address("core", "thing", "silent"), Presence.UNKNOWN),
    ]
    text = to_yaml(found, KINDS)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# core.strict/untyped is left out: type is missing",
        "# core.thing/a b\\n- c is left out: names must match ^[A-Za-z][A-Za-z0-9_-]{1,78}[A-Za-z0-9]$",
        "# core.thing/huge is left out: it holds a value that JSON cannot write",
        "# core.thing/large is left out: it holds a value that YAML cannot write",
        "# core.thing/twice is left out: its name is not unique",
        "# `size` is left out: size must be at least 0",
    ]
    assert [(item.address.name, item.spec) for item in load_back(text, tmp_path, {})] == [
        ("twice", {"size": 1}),
        ("wms", {"words": ["a"]}),
    ]


def test_order_does_not_matter_and_nothing_is_nothing():
    found = [actual("two", config={"token": "x"}), actual("one", config={"token": "y"})]
    assert to_yaml(found, KINDS) == to_yaml(reversed(found), KINDS)
    assert to_yaml([], KINDS) == ""
    assert next(yaml.safe_load_all(to_yaml(found, KINDS)))["name"] == "one"
