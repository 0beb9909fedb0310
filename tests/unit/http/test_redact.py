from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.http.redact import HIDDEN, Redactor, secrets_in
from flext_reconciler.model import Json


@pytest.mark.parametrize(
    "text",
    [
        "password=c4n4ry",
        "PASSWORD = c4n4ry, next",
        "bind_password: c4n4ry",
        "oauth_client_secret='c4n4ry with blanks'",
        '"private_key": "c4n4ry \\" quoted"',
        "map[api_key:c4n4ry x:1]",
        "api-key=>c4n4ry",
        "dsn=x?token=c4n4ry",
        "url=http://h/?a=1&refresh_token=c4n4ry",
        "Authorization: Bearer c4n4ry",
        "sent Bearer c4n4ry twice",
        "Basic c4n4ry",
        "redis://:c4n4ry@localhost:6379",
        "Set-Cookie: c4n4ry",
        "password=(secret)c4n4ry",
    ],
)
def test_a_value_beside_a_secrets_name_is_hidden(text: str) -> None:
    shown = Redactor().show(text)
    assert "c4n4ry" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize(
    "text",
    ["Plugin not found", "dial tcp 127.0.0.1:6380: connection refused", "name=x type=meltano", "http://h:80/a?page=2"],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert Redactor().show(text) == text


@settings(deadline=None)
@given(st.text())
def test_showing_twice_changes_nothing_more(text: str) -> None:
    once = Redactor(["c4n4ry"]).show(text + " token=c4n4ry")
    assert Redactor(["c4n4ry"]).show(once) == once


@settings(deadline=None)
@given(st.binary(max_size=7), st.binary(max_size=7))
def test_base64_is_found_at_every_alignment(before: bytes, after: bytes) -> None:
    secret = "c4n4ry?>~secret"
    for encode in (b64encode, urlsafe_b64encode):
        written = encode(before + secret.encode() + after).decode()
        assert Redactor([secret]).hide(written) != written


def test_a_secret_of_several_lines_is_hidden_before_the_lines_are_joined() -> None:
    assert Redactor(["one\ntwo three"]).show("a one\ntwo three b") == f"a {HIDDEN} b"


def test_joining_lines_cannot_make_a_secret() -> None:
    assert "one two three" not in Redactor(["one two three"]).show("one\ntwo   three")


@pytest.mark.parametrize(
    ("body", "everything", "found"),
    [
        ({"plugin_id": "a", "config": {"url": "u", "api_token": "t"}}, False, ["t"]),
        ({"plugin_id": "a", "config": {"url": "u", "list": ["v", 1, None]}}, True, ["u", "v"]),
        ({"clientSecret": {"nested": ["x"]}, "name": "n"}, False, ["x"]),
        ({"name": "n", "setting": "s"}, True, ["s"]),
        ([{"password": "p"}], False, ["p"]),
        ("text", True, []),
        (None, True, []),
    ],
)
def test_what_a_request_carries_that_must_not_come_back(body: Json, everything: bool, found: list[str]) -> None:
    assert list(secrets_in(body, everything)) == found


def test_hostile_text_is_dealt_with_in_one_pass() -> None:
    for hostile in ("token" * 13_000, "password=" * 7_000, '"' * 65_000, "://" * 20_000, "-----BEGIN" * 6_000):
        assert len(Redactor(["c4n4ry"]).show(hostile)) <= 300
