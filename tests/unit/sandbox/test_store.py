"""The store: a model-based comparison with a dict, and what survives the process."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.errors import FlextError
from flext_reconciler.sandbox import Store

KEYS = st.sampled_from("abcd")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, st.integers()),
        st.tuples(st.just("delete"), KEYS, st.just(0)),
        st.tuples(st.just("clear"), KEYS, st.just(0)),
        st.tuples(st.just("reopen"), KEYS, st.just(0)),
    ),
    max_size=12,
)


@given(steps=STEPS)
def test_a_store_behaves_as_a_dict_that_survives(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    path = tmp_path_factory.mktemp("store") / "state.db"
    store, expected = Store(path), {}
    for step, key, number in steps:
        collection = store.collection("plugins")
        if step == "set":
            collection[key] = expected[key] = {"number": number, "text": "é\0"}
        elif step == "delete":
            assert (collection.pop(key, None) is None) == (expected.pop(key, None) is None)
        elif step == "clear":
            store.clear()
            expected.clear()
        else:
            store.close()
            store = Store(path)
    assert list(store.collection("plugins").items()) == list(expected.items())
    store.close()


def test_collections_do_not_mix_and_clear_takes_the_unopened_too(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.db"
    store = Store(path)
    store.collection("a")["x"] = {"in": "a"}
    store.collection("b")["x"] = {"in": "b"}
    assert store.collection("a") is store.collection("a")
    assert dict(store.collection("a")) == {"x": {"in": "a"}}
    store.close()
    again = Store(path)
    again.clear()
    assert not again.collection("b")
    again.close()


def test_without_a_path_nothing_is_kept() -> None:
    store = Store()
    store.collection("a")["x"] = {}
    store.close()
    assert not Store().collection("a")


def test_a_write_is_in_the_file_before_anything_is_closed(tmp_path: Path) -> None:
    first = Store(tmp_path / "state.db")
    first.collection("a")["x"] = {"n": 1}
    second = Store(tmp_path / "state.db")
    assert dict(second.collection("a")) == {"x": {"n": 1}}
    second.close()
    first.close()


@pytest.mark.parametrize("kind", ["directory", "text", "under a file"])
def test_a_path_that_cannot_hold_it_is_one_clear_message(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "state.db"
    if kind == "directory":
        path.mkdir()
    else:
        path.write_text("not a database, and long enough to be sure of it " * 30)
    with pytest.raises(FlextError, match=r"state\.db.*: the embedded service cannot keep its state there") as caught:
        Store(path / "below" if kind == "under a file" else path)
    assert "delete it" in caught.value.hint
