"""References: what they mean, what they keep secret, and what is put in their place for a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.errors import FlextError
from flext_reconciler.model import Address, Deferred, Secret
from flext_reconciler.references import (
    MAX_FILE_BYTES,
    Fingerprinter,
    Reference,
    Sources,
    fill,
    map_texts,
    parse,
    read_inside,
    resolver,
    symbolic,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from([0.0, 1.0, 2.5]) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    (tmp_path / "key").write_text("from a file\r\n\n")
    (tmp_path / "latin").write_bytes(b"\xe9")
    (tmp_path / "large").write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    variables = {"n": 5, "on": True, "none": None, "text": "plain", "secret": "${env:A}!"}
    variables["map"] = {"a": ["${env:A}", "b"]}
    services = {"core": {"url": "http://core", "name": "core", "timeout": 2.5}}
    return Sources(tmp_path.resolve(), {"A": "alpha", "B": "${env:A}", "E": ""}, variables, services)


def secret(text: str) -> Secret:
    return Secret(text, f"of {text}")


MEANT = {
    "plain": "plain",
    "": "",
    "$5 and $$": "$5 and $$",
    "$${env:A}": "${env:A}",
    "$$${x}": "$${x}",
    "${env:A}": secret("${env:A}"),
    "${env:B}": secret("${env:B}"),
    "Bearer ${env:A}": secret("Bearer ${env:A}"),
    "${file:key}": secret("${file:key}"),
    "${var:n}": 5,
    "${var:on}": True,
    "${var:none}": None,
    "${var:text}": "plain",
    "${var:secret}": secret("${env:A}!"),
    "x${var:secret}": secret("x${var:secret}"),
    "${var:map}": {"a": [secret("${env:A}"), "b"]},
    "${var:n}/${var:on}/$${x}": "5/true/${x}",
    "${service:core.timeout}": 2.5,
    "${service:core.url}/api": "http://core/api",
}
REAL = {
    "${env:A}": "alpha",
    "${env:B}": "${env:A}",
    "Bearer ${env:A}": "Bearer alpha",
    "${file:key}": "from a file",
    "${env:A}!": "alpha!",
    "x${var:secret}": "xalpha!",
}


@pytest.mark.parametrize("text", MEANT)
def test_what_a_text_means(text, sources):
    meant = symbolic(text, sources, lambda value: "fingerprint of " + value)
    assert meant == map_secrets(MEANT[text], sources)


def map_secrets(value, sources):
    if isinstance(value, Secret):
        return Secret(value.text, "fingerprint of " + REAL[value.text])
    if isinstance(value, dict):
        return {key: map_secrets(item, sources) for key, item in value.items()}
    return [map_secrets(item, sources) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("text", REAL)
def test_a_secret_is_resolved_again_for_a_request(text, sources):
    assert resolver(sources)(secret(text)) == REAL[text]


REFUSED = {
    "${": "never closed",
    "a ${env:A": "never closed",
    "${}": "not a reference",
    "${A}": "not a reference",
    "${env:}": "not a reference",
    "${ env:A}": "not a reference",
    "${env:a\nb}": "not printable",
    "${env:" + "a" * 201 + "}": "too long",
    "${env:${env:A}}": "cannot be nested",
    "${vault:x}": r"unknown reference \$\{vault",
    "${env:MISSING}": "MISSING is not set",
    "${env:E}": "E is empty",
    "${file:missing}": "cannot be read",
    "${file:latin}": "not UTF-8",
    "${file:large}": "larger than",
    "${var:missing}": "no variable missing",
    "a${var:none}": "must be the whole value",
    "a${var:map}": "must be the whole value",
    "${service:core}": "names no service",
    "${service:core.token}": "has no field token",
    "a${ref:core.plugin/x.id}": "must be the whole value",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_no_text_can_mean(text, sources):
    with pytest.raises(FlextError, match=REFUSED[text]):
        symbolic(text, sources, lambda _: "")


def test_a_reference_to_a_resource_is_left_to_the_caller(sources):
    deferred = Deferred("${ref:a.b/c.id}", Address("a", "b", "c"), ("id",))
    assert symbolic("${ref:a.b/c.id}", sources, lambda _: "", lambda text, name: deferred) is deferred


def test_what_is_not_allowed_here_is_refused(sources):
    with pytest.raises(FlextError, match=r"\$\{env:…\} cannot stand here"):
        symbolic("${env:A}", sources, lambda _: "", allowed=frozenset({"var"}))


def test_a_variable_cannot_refer_to_another(sources):
    looping = Sources(sources.root, {}, {"a": "${var:a}"}, {})
    with pytest.raises(FlextError, match="cannot stand here"):
        symbolic("${var:a}", looping, lambda _: "")


def test_what_a_service_reported_cannot_be_sent_again(sources):
    with pytest.raises(FlextError, match="cannot be sent again"):
        resolver(sources)(Secret("", "abc"))


def test_a_missing_value_is_a_clear_error_at_apply_too(sources):
    with pytest.raises(FlextError, match="GONE is not set"):
        resolver(sources)(Secret("${env:GONE}", "abc"))


def test_sources_do_not_show_what_they_hold(sources):
    assert "alpha" not in repr(sources)


@given(st.text(alphabet="${}:env a", max_size=12))
def test_parsing_loses_nothing_or_refuses(text):
    try:
        parts = parse(text)
    except FlextError:
        return
    written = "".join(str(part) if isinstance(part, Reference) else part.replace("${", "$${") for part in parts)
    assert written.replace(" ", "") == text.replace(" ", "")


@given(st.text(max_size=20))
def test_an_escaped_text_is_itself(text):
    escaped = text.replace("${", "$${")
    assert "".join(map(str, parse(escaped))) == text


@given(JSON)
def test_filling_leaves_values_without_references_alone(value):
    assert fill(value, lambda _: "x", lambda _: "y") == value
    assert map_texts(value, lambda text: text) == value


def test_filling():
    value = {"a": (Secret("s", "f"), [Deferred("d", Address("a", "b", "c"), ("id",))]), "b": 1}
    assert fill(value, lambda found: found.text, lambda found: found.path[0]) == {"a": ["s", ["id"]], "b": 1}


@given(JSON, JSON)
def test_fingerprints_tell_values_apart_and_keys_too(one, other):
    key, another = Fingerprinter(b"one"), Fingerprinter(b"other")
    same = repr(one) == repr(other)
    assert (key.of(one) == key.of(other)) == same or one == other
    assert key.of(one) != another.of(one)
    assert len(key.of(one)) == 16


def test_a_fingerprint_is_the_same_on_every_machine():
    assert Fingerprinter(b"key").of({"b": [1, "x"], "a": None}) == "e30327d60517845b"


def test_a_file_swapped_for_a_link_after_the_check_is_not_followed(tmp_path, monkeypatch):
    root = (tmp_path / "root").resolve()
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_text("inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("outside")
    assert read_inside(root, "sub/file", 100) == b"inside"
    resolved = Path.resolve

    def swap(path: Path, strict: bool = False) -> Path:
        real = resolved(path, strict)
        (root / "sub").rename(root / "old")
        (root / "sub").symlink_to(tmp_path / "outside")
        return real

    monkeypatch.setattr(Path, "resolve", swap)
    with pytest.raises(FlextError, match="cannot be read"):
        read_inside(root, "sub/file", 100)
