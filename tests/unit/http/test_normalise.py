from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind
from flext_reconciler.http import Redactor, normalise
from flext_reconciler.http.asked import Asked

CASES = sorted((Path(__file__).parents[2] / "cases/http/errors").glob("*.yaml"))
POST = Asked("flexcore", "http://localhost:8080", "POST", "/api/v1/plugins/deploy")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_each_shape_has_one_meaning(case: Path) -> None:
    given: dict[str, Any] = yaml.safe_load(case.read_text())
    error = normalise(given["status"], given["type"], given["body"].encode())
    assert error.kind == given["kind"], error.message
    assert error.status == given["status"]
    for text in given.get("says", ()):
        assert text in error.message
    for text in given.get("never", ()):
        assert text not in error.message


def test_the_cases_cover_every_kind() -> None:
    kinds = {yaml.safe_load(case.read_text())["kind"] for case in CASES}
    assert kinds == {str(kind) for kind in ErrorKind} - {ErrorKind.UNFIT}  # which no answer says: it is found out


def test_the_message_names_service_request_and_status() -> None:
    error = normalise(409, "application/json", b'{"error": "Plugin already deployed", "plugin_id": "a"}', asked=POST)
    assert error.message == (
        "flexcore reports a conflict (POST /api/v1/plugins/deploy, HTTP 409): Plugin already deployed"
    )
    assert error.service == "flexcore"


@pytest.mark.parametrize(
    ("method", "status", "unknown"),
    [
        *[("POST", status, status in (502, 504)) for status in (400, 401, 404, 409, 429, 500, 502, 503, 504)],
        *[("GET", status, False) for status in (500, 502, 504)],
    ],
)
def test_only_a_gateway_leaves_the_outcome_of_a_write_unknown(method: str, status: int, unknown: bool) -> None:
    error = normalise(status, "", b"", asked=Asked("flexcore", "http://localhost", method, "/x"))
    assert error.outcome_unknown is unknown


@pytest.mark.parametrize("status", [401, 403, 404, 429, 502, 503, 504])
def test_what_a_user_can_mend_has_a_next_step(status: int) -> None:
    assert normalise(status, "", b"").hint


def test_bytes_that_are_no_utf_8_are_shown_as_far_as_they_can_be() -> None:
    assert "caf\ufffd" in normalise(400, "text/plain; charset=latin-1", "café".encode("latin-1")).message


@pytest.mark.parametrize("size", [300, 301, 5000])
def test_a_long_text_is_cut(size: int) -> None:
    shown = normalise(400, "text/plain", b"x" * size).message.partition("): ")[2]
    assert len(shown) == min(size, 300)
    assert shown.endswith("…") is (size > 300)


def test_a_text_beyond_64_kb_is_not_looked_at() -> None:
    message = normalise(400, "text/plain", b"y" * 70_000).message
    assert "too long to show" in message
    assert "yyy" not in message


def test_a_thousand_nested_brackets_are_an_answer_too() -> None:
    body = b'{"error": "deep", "details": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert "deep" in normalise(500, "application/json", body).message


TYPES = st.sampled_from(["application/json", "application/problem+json", "text/plain", "text/html", "", "\x00;="])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
SHAPES = st.dictionaries(
    st.sampled_from(["error", "message", "details", "code", "plugin_id", "title", "detail", "status"]), JSON
)


@settings(deadline=None)
@given(status=st.integers(0, 999), media=TYPES, body=st.binary() | JSON.map(orjson.dumps) | SHAPES.map(orjson.dumps))
def test_any_answer_becomes_one_printable_error(status: int, media: str, body: bytes) -> None:
    error = normalise(status, media, body, asked=POST)
    assert error.kind in ErrorKind
    assert error.message.isprintable()
    assert len(error.message) < 450


@settings(deadline=None)
@given(
    secret=st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs", "Cc"]), min_size=8, max_size=40),
    around=st.tuples(st.text(max_size=30), st.text(max_size=30)),
    form=st.sampled_from(["raw", "percent", "base64", "json", "hex"]),
    where=st.sampled_from(["text", "error", "details", "key"]),
)
def test_a_known_secret_is_never_shown(secret: str, around: tuple[str, str], form: str, where: str) -> None:
    written = {
        "raw": secret,
        "percent": quote(secret),
        "base64": b64encode(secret.encode()).decode().rstrip("="),
        "json": orjson.dumps(secret).decode(),
        "hex": secret.encode().hex(),
    }[form]
    text = around[0] + written + around[1]
    body = {
        "text": text.encode(),
        "error": orjson.dumps({"error": text}),
        "details": orjson.dumps({"error": "Failed", "details": {"a": [text]}}),
        "key": orjson.dumps({"error": "Failed", "details": {text: 1}}),
    }[where]
    media = "text/plain" if where == "text" else "application/json"
    shown = normalise(500, media, body, redactor=Redactor([secret])).message
    harmless = normalise(500, "text/plain", b": (secret) \\ ").message  # flext's own words
    if secret not in harmless:
        assert secret not in shown
        assert written not in shown
