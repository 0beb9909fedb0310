from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind, ServiceError
from flext_reconciler.http import Redactor, Reply
from flext_reconciler.http.asked import Answer, Asked
from flext_reconciler.http.reply import believe

CASES = sorted((Path(__file__).parents[2] / "cases/http/replies").glob("*.yaml"))
ORIGIN = "http://localhost:8081"


def judged(answer: Answer, method: str = "GET") -> Reply | ServiceError:
    try:
        return believe(answer, Asked("flext-service", ORIGIN, method, "/api/v1/plugins"), Redactor())
    except ServiceError as error:
        return error


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_which_answers_are_believed(case: Path) -> None:
    given: dict[str, Any] = yaml.safe_load(case.read_text())
    method = given.get("method", "GET")
    result = judged(Answer(given["status"], given["type"], given["body"].encode()), method)
    if given["believed"]:
        body = orjson.loads(given["body"]) if given["body"] else None
        assert result == Reply(given["status"], body)
        return
    assert isinstance(result, ServiceError)
    assert result.kind is ErrorKind.UNTRUSTED
    assert result.outcome_unknown is (method != "GET")
    assert all(text in result.message for text in given["says"]), result.message
    assert not any(text in result.message for text in given.get("never", ()))


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://user:c4n4ry@evil.example:8443/login?token=c4n4ry", "https://evil.example:8443 "),
        ("//evil.example/c4n4ry", "http://evil.example "),
        ("/api/v1/plugins/c4n4ry", "another path of its own"),
        ("http://localhost:8081/c4n4ry", "another path of its own"),
        ("http://[c4n4ry", "an address that cannot be read"),
        ("http://x:99999999/c4n4ry", "an address that cannot be read"),
    ],
)
def test_a_redirect_names_the_origin_only(location: str, shown: str) -> None:
    error = judged(Answer(302, "text/html", b"", location))
    assert isinstance(error, ServiceError)
    assert error.kind is ErrorKind.UNTRUSTED
    assert shown in error.message
    assert "c4n4ry" not in error.message


@pytest.mark.parametrize(("status", "unknown"), [(301, True), (302, True), (303, True), (307, False), (308, False)])
def test_a_redirected_write_may_have_been_carried_out_unless_it_must_be_repeated(status: int, unknown: bool) -> None:
    error = judged(Answer(status, "", b"", "/elsewhere"), "POST")
    assert isinstance(error, ServiceError)
    assert error.outcome_unknown is unknown


def test_a_reply_does_not_show_its_body() -> None:
    assert "c4n4ry" not in repr(Reply(200, {"password": "c4n4ry"}))


def test_a_damaged_body_is_not_kept_in_the_error() -> None:
    error = judged(Answer(200, "application/json", b'{"password": "c4n4ry'))
    assert isinstance(error, ServiceError)
    assert error.__context__ is None


@settings(deadline=None)
@given(st.integers(200, 299), st.binary(), st.sampled_from(["application/json", "text/html", ""]))
def test_only_json_objects_and_arrays_are_ever_believed(status: int, body: bytes, media: str) -> None:
    result = judged(Answer(status, media, body))
    if isinstance(result, Reply):
        assert (status, media) == (200, "application/json")
        assert result.body == orjson.loads(body)
        assert isinstance(result.body, dict | list)
    else:
        assert result.message.isprintable()
