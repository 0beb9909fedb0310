"""Complete lists from pages that move, shrink, repeat and lie."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import ErrorKind, ServiceError

from .world import PLUGIN, TAP

SIZES = [0, 1, 10, 99, 100, 101, 250]


def fill(world, kind, size):
    """Put objects where a list will find them."""
    names = [f"{kind}-{number:03d}" for number in range(size)]
    path, fields = {
        "plugin": ("/api/v1/plugins", PLUGIN),
        "pipeline": ("/api/v1/pipelines", {}),
    }.get(kind, ("/api/v1/singer/specs", {"type": kind, **TAP}))
    world.add_many(path, ({"name": name, **fields} for name in names))
    return set(names)


def refused(world, kind, wanted=None):
    """The error of a read that must fail."""
    with pytest.raises(ServiceError) as caught:
        world.read(kind, wanted)
    assert caught.value.kind is ErrorKind.UNTRUSTED
    return caught.value


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["plugin", "pipeline", "tap", "target"])
def test_every_object_is_listed_once(world, kind, size):
    names = fill(world, kind, size)
    actuals = world.run(lambda writer: writer.read(kind, {}))
    assert sorted(actual.address.name for actual in actuals) == sorted(names)
    pages = 1 if kind in ("tap", "target") else max(1, -(-size // 100))
    assert len(world.requests("GET")) == pages


@pytest.mark.parametrize("kind", ["plugin", "pipeline"])
def test_a_server_that_ignores_the_page_size_is_read_to_the_end(world, kind):
    names = fill(world, kind, 35)
    world.faults.switch_on("ignores_page_size")
    assert world.read(kind, {}).keys() == names
    assert len(world.requests("GET")) == 4


@pytest.mark.parametrize("size", [0, 1, 100, 101, 250])
def test_pages_without_a_total_are_read_until_one_is_short(world, size):
    names = fill(world, "plugin", size)
    world.faults.switch_on("no_totals")
    assert world.read("plugin", {}).keys() == names


@pytest.mark.parametrize("kind", ["plugin", "pipeline"])
def test_a_list_that_moved_once_is_read_again(world, kind):
    names = fill(world, kind, 250)
    world.faults.switch_on("page_mutated", times=1)
    assert world.read(kind, {}).keys() == names
    assert len(world.requests("GET")) == 6


@pytest.mark.parametrize("kind", ["plugin", "pipeline"])
def test_a_list_that_always_moves_is_not_believed(world, kind):
    fill(world, kind, 250)
    world.faults.switch_on("page_mutated")
    error = refused(world, kind)
    assert "changed while it was read" in error.message
    assert error.hint


def test_a_wanted_name_is_only_missing_when_two_readings_agree(world):
    fill(world, "plugin", 150)
    world.read("plugin", {"plugin-007": frozenset()})
    assert len(world.requests("GET")) == 2
    world.faults.log.clear()
    assert "missing" not in world.read("plugin", {"missing": frozenset()})
    assert len(world.requests("GET")) == 4


def test_a_list_of_one_page_cannot_have_moved(world):
    fill(world, "plugin", 100)
    assert "missing" not in world.read("plugin", {"missing": frozenset()})
    assert len(world.requests("GET")) == 1


def test_a_list_that_swaps_objects_between_two_readings_is_read_on(world):
    fill(world, "plugin", 150)
    count = iter(range(99))

    async def read(writer):
        page = writer._client._page

        async def racing(listing, number, size):
            answer = await page(listing, number, size)
            turn = next(count)
            if turn == 0:  # after the first page of the first reading
                world.send("DELETE", "/api/v1/plugins/" + answer.items[5]["id"])
                world.add_plugin("newcomer")
            return answer

        writer._client._page = racing
        return await writer.read("plugin", {"plugin-100": frozenset(), "missing": frozenset()})

    names = {actual.address.name for actual in world.run(read)}
    assert "plugin-100" in names
    assert "plugin-005" not in names
    assert "newcomer" in names


@pytest.mark.parametrize("kind", ["plugin", "pipeline", "tap"])
@pytest.mark.parametrize(
    "fault", ["fallback_data", "error_in_200", "html", "wrong_type", "scalar", "wrong_shape", "oversize", "redirect"]
)
def test_an_answer_that_proves_nothing_is_never_an_empty_list(world, kind, fault):
    fill(world, kind, 1)
    world.faults.switch_on(fault)
    refused(world, kind)


@pytest.mark.parametrize("fault", ["truncated", "down", "http_500", "http_401", "http_503"])
def test_a_page_that_fails_fails_the_list(world, fault):
    fill(world, "plugin", 250)
    world.faults.switch_on(fault, times=1)
    with pytest.raises(ServiceError):
        world.read("plugin")


BAD_PAGES = [
    ([{"id": "1", "name": "tap-oracle"}, {"id": "1", "name": "tap-oracle"}], 2, "changed while it was read"),
    ([{"id": "1", "name": "a"}], 0, "changed while it was read"),
    ([], 3, "changed while it was read"),
    ([{"id": "1", "name": "a"}], 10**9, "more than 10000 pages"),
    ([{"name": "tap-oracle"}, {"name": "tap-ldap"}, {"name": "tap-ldif"}], 3, "sample data"),
    ([{"id": "1"}], 1, "without id and name"),
    ([{"id": 1, "name": "a"}], 1, "without id and name"),
    ([{"id": "", "name": "a"}], 1, "without id and name"),
    (["a"], 1, "without id and name"),
    ([{"id": "1", "name": ["a"]}], 1, "without id and name"),
    ("a", 1, "did not answer a list"),
    ({"a": 1}, 1, "did not answer a list"),
    ([], "0", "did not answer a list"),
    ([], True, "did not answer a list"),
]


@pytest.mark.parametrize(("items", "total", "said"), BAD_PAGES)
def test_a_page_that_makes_no_sense_is_not_believed(answering, items, total, said):
    body = {"data": {"pipelines": items, "total": total}, "success": True}
    with pytest.raises(ServiceError, match=said) as caught:
        answering(body)
    assert caught.value.kind is ErrorKind.UNTRUSTED


@pytest.mark.parametrize(
    "body", [{"success": True}, {"data": None}, {"data": 7}, {"data": {"plugins": []}}, [], [{"id": "1"}]]
)
def test_a_body_without_the_list_is_not_believed(answering, body):
    with pytest.raises(ServiceError) as caught:
        answering(body)
    assert caught.value.kind is ErrorKind.UNTRUSTED


def test_real_specs_may_have_the_names_of_the_samples(world):
    for name in ("tap-oracle", "tap-ldap", "tap-ldif"):
        world.send("POST", "/api/v1/singer/specs", {"name": name, "type": "tap", **TAP})
    assert len(world.read("tap")) == 3


def test_a_tap_is_no_target(world):
    world.send("POST", "/api/v1/singer/specs", {"name": "one", "type": "tap", **TAP})
    world.send("POST", "/api/v1/singer/specs", {"name": "two", "type": "target", **TAP})
    assert (list(world.read("tap")), list(world.read("target"))) == (["one"], ["two"])


def test_two_objects_of_one_name_are_both_reported(world):
    ids = {world.add_pipeline("twin"), world.add_pipeline("twin")}
    assert {actual.id for actual in world.run(lambda writer: writer.read("pipeline", {}))} == ids
    with pytest.raises(ServiceError, match="two objects share") as caught:
        world.read_one("pipeline", "twin")
    assert caught.value.kind is ErrorKind.CONFLICT
    assert all(id in caught.value.message for id in ids)


def test_plugins_may_be_double_too(world):
    world.add_plugin("twin")
    world.faults.switch_on("duplicate_names")
    world.add_plugin("twin", **PLUGIN)
    with pytest.raises(ServiceError, match="two objects share"):
        world.read_one("plugin", "twin")
