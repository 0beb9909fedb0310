from __future__ import annotations

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flext_reconciler.errors import ErrorKind, FlextError, ServiceError
from flext_reconciler.http.origin import (
    Credentials,
    Origin,
    check_path,
    check_travel,
    origin_of,
    service_url,
)
from unit.http.loopback import TOKEN, service

URL = "http://localhost:8080"


@pytest.mark.parametrize(
    ("url", "origin", "loopback"),
    [
        ("http://localhost:8080", "http://localhost:8080", True),
        ("HTTP://LOCALHOST", "http://localhost", True),
        ("https://localhost:443/", "https://localhost", True),
        ("http://127.8.9.10:1", "http://127.8.9.10:1", True),
        ("http://[::1]:8080", "http://[::1]:8080", True),
        ("http://127.1:8080", "http://127.1:8080", False),
        ("http://localhost.evil.example", "http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", "http://127.0.0.1.evil.example", False),
        ("http://0.0.0.0:8080", "http://0.0.0.0:8080", False),
        ("https://flexcore.example/base", "https://flexcore.example", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str, loopback: bool) -> None:
    found = origin_of(service_url(service(url)))
    assert str(found) == origin
    assert found.loopback is loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "embedded",
        "localhost:8080",
        "ftp://h",
        "http://",
        "http:///x",
        "http://u:c4n4ry@h",
        "http://h?token=c4n4ry",
        "http://h#c4n4ry",
        "http://h:99999999",
        "http://h:0",
        "http://[c4n4ry",
        "http://169.254.169.254",
        "http://[fe80::1]",
    ],
)
def test_a_url_that_requests_cannot_go_to_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        service_url(service(url))
    assert caught.value.kind is ErrorKind.INVALID
    assert "c4n4ry" not in caught.value.message


@pytest.mark.parametrize(
    "path", ["/health", "/api/v1/plugins/list", "/api/v1/plugins/a%2Fb/metadata", "/x/", "/a/..b/c.", "/a@b:c"]
)
def test_plain_paths_are_paths(path: str) -> None:
    check_path(path, service(URL))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "health",
        "http://evil.example/x",
        "https:/evil.example",
        "//evil.example/x",
        "/\\evil.example",
        "/api//x",
        "/api/../x",
        "/api/%2e%2E/x",
        "/api/.",
        "/a b",
        "/a\r\nX: y",
        "/a?token=x",
        "/a#b",
        "/é",
        "/" + "a" * 5000,
    ],
)
def test_anything_else_is_refused(path: str) -> None:
    with pytest.raises(ServiceError, match="nothing was sent"):
        check_path(path, service(URL))


@settings(deadline=None)
@given(st.text())
def test_no_path_leads_to_another_origin(path: str) -> None:
    try:
        check_path(path, service(URL))
    except ServiceError:
        return
    home = httpx.URL("http://localhost:8080")
    assert origin_of(home.join(path)) == origin_of(home)
    assert home.join(path).raw_path.decode() == path


HOME, LAN, TLS = "http://127.0.0.1:1", "http://10.0.0.1", "https://flexcore.example"


@pytest.mark.parametrize(
    ("url", "settings", "secret_body", "allowed"),
    [
        (HOME, {"token": TOKEN}, True, True),
        (TLS, {"token": TOKEN}, True, True),
        (LAN, {}, False, True),
        (LAN, {"headers": {"X-Team": "logistics"}}, False, True),
        (LAN, {}, True, False),
        (LAN, {"token": TOKEN}, False, False),
        (LAN, {"headers": {"X-Team": TOKEN}}, False, False),
        (LAN, {"headers": {"X-Api-Key": "written out"}}, False, False),
        (LAN, {"token": TOKEN, "allow_insecure": True}, True, True),
    ],
)
def test_a_secret_travels_in_clear_on_this_machine_only(
    url: str, settings: dict[str, object], secret_body: bool, allowed: bool
) -> None:
    configured = service(url, **settings)
    if allowed:
        check_travel(configured, origin_of(httpx.URL(url)), secret_body)
        return
    with pytest.raises(ServiceError, match="in clear") as caught:
        check_travel(configured, origin_of(httpx.URL(url)), secret_body)
    assert "allow_insecure" in caught.value.hint


def attached(url: str, value: str = "c4n4ry", **settings: object) -> httpx.Request:
    credentials = Credentials(service(URL, **settings), Origin("http", "localhost", 8080), lambda secret: value)
    request = httpx.Request("GET", url)
    credentials.attach(request)
    return request


def test_credentials_are_attached_at_home() -> None:
    request = attached("http://localhost:8080/x", token=TOKEN, headers={"X-Api-Key": TOKEN, "X-Team": "a"})
    assert request.headers["Authorization"] == "Bearer c4n4ry"
    assert request.headers["X-Api-Key"] == "c4n4ry"
    assert request.headers["X-Team"] == "a"


@pytest.mark.parametrize(
    "url",
    ["https://localhost:8080/x", "http://localhost:8081/x", "http://localhost/x", "http://evil.example:8080/x"],
)
def test_credentials_are_never_attached_elsewhere(url: str) -> None:
    with pytest.raises(ServiceError, match="nothing was sent elsewhere") as caught:
        attached(url, token=TOKEN)
    assert "c4n4ry" not in repr(caught.value)


@pytest.mark.parametrize("value", ["", "c4n4ry\n", "c4n4ry\r\nX: y", " c4n4ry", "c4n4ry\0", "c4n4rÿ", "\ud800c4n4ry"])
def test_a_value_that_no_header_can_carry_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(FlextError, match="no HTTP header") as caught:
        attached("http://localhost:8080/x", value, token=TOKEN)
    assert "c4n4r" not in repr(caught.value)
    assert caught.value.__context__ is None
