"""The strict reader: bytes to values or to places, and never to an exception."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from flext_reconciler.load import build, events
from flext_reconciler.load.locate import Target, locate
from flext_reconciler.load.parse import parse
from flext_reconciler.load.symbols import marked
from flext_reconciler.load.wording import value_at

KEYS = st.sampled_from(["name", "token", "db_password", "a b", "é", "0", "null"])
TEXTS = st.one_of(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])), st.just("x${env:A}"))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    LEAVES | TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)


def refusal(data: bytes) -> tuple[int, int, str]:
    parsed = parse(data)
    assert not parsed.findings
    (found,) = parsed.refusals
    return found[:3]


@given(VALUES, st.sampled_from([None, 1, 4]))
def test_json_is_read_as_what_it_is(value, indent):
    (document,) = parse(json.dumps(value, indent=indent, ensure_ascii=False).encode()).documents
    assert json.dumps(document.value) == json.dumps(value)
    assert document.marked == marked(value)


@given(VALUES)
def test_what_pyyaml_writes_is_read_back(value):
    data = yaml.safe_dump_all([value, value], allow_unicode=True).encode()
    assert [document.value for document in parse(data).documents] == [value, value]


@given(VALUES)
def test_the_pure_parser_gives_the_same(value):
    data = yaml.safe_dump(value).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events.yaml, "__with_libyaml__", False)
        pure = parse(data)
    assert pure == parse(data)


def paths_of(value, above=()):
    yield above
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from paths_of(item, (*above, key))


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_every_path_is_found_where_it_is_written(values):
    lines = "\n---\n".join(json.dumps(value, indent=2, ensure_ascii=False) for value in values).split("\n")
    targets = [Target(number, path) for number, value in enumerate(values) for path in paths_of(value)]
    for target, (line, column) in locate("\n".join(lines).encode(), targets).items():
        rest = lines[line - 1][column - 1 :]
        value = value_at(values[target.document], target.path)
        written = json.dumps(value, indent=2, ensure_ascii=False).split("\n")[0]
        assert rest.startswith(written)


def test_a_key_is_found_apart_from_its_value_and_a_missing_node_where_it_would_be():
    data = b"a:\n  b: 1\n  c: [x, {d: 2}]\n"
    sought = [Target(0, ("a", "b"), True), Target(0, ("a", "c", 1, "d", "deeper")), Target(0, ("a", "z"), True)]
    assert list(locate(data, sought).values()) == [(2, 3), (3, 14), (2, 3)]


BYTES = {
    b"a: b\0": (1, 5, "a NUL byte; this is not a text file"),
    b"a: 1\nb: \xff\xfe": (2, 4, "not UTF-8"),
    "é: \udcff".encode("utf-8", "surrogateescape"): (1, 4, "not UTF-8"),
    b"a: \x07": (1, 4, "a control character that YAML does not allow"),
    b'a: "\\0"': (1, 4, "a NUL character in a text"),
    b'a: ["\\x00"]': (1, 5, "a NUL character in a text"),
    b'"\\ud800": 1': (
        1,
        4,
        "not valid YAML: while parsing a quoted scalar, found invalid Unicode character escape code",
    ),
    b"%YAML 3.0\n---\n": (1, 1, "not valid YAML: found incompatible YAML document"),
    b"[" * 65: (1, 65, "nested deeper than 64 levels"),
    b"a: &x 1\nb: *y": (2, 4, "no anchor of this name comes before"),
    b"a: &x 1\n---\nb: *x": (3, 4, "no anchor of this name comes before"),
    b"&x a: &x [*x]": (1, 11, "this alias stands inside what it names"),
    b"a: " + b"9" * 5000: (1, 4, "an integer must fit in 64 bits"),
}


@pytest.mark.parametrize("data", BYTES, ids=repr)
def test_bytes_that_are_refused(data):
    assert refusal(data) == BYTES[data]


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xef\xbb\xbfa: 1", b"a: &x 1\nb: *x", b"[" * 64 + b"]" * 64])
def test_bytes_that_are_not(data):
    parsed = parse(data)
    assert (parsed.findings, parsed.refusals) == ((), ())


def test_many_plain_nodes_are_no_bomb():
    data = b"".join(b"kind: plugin\nspec: {a: [1, 2, 3]}\n---\n" for _ in range(20_000))
    assert len(parse(data).documents) == 20_001


def bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("levels", [6, 8, 12])
def test_a_small_file_that_stands_for_millions_is_refused(levels):
    assert refusal(bomb(levels))[2] == f"the aliases of this file stand for more than {build.MAX_EXPANDED:,} values"


def test_too_many_aliases_are_refused():
    data = b"a: &x 1\nb: [" + b"*x, " * (build.MAX_ALIASES + 1) + b"]"
    assert refusal(data)[2] == "more than 1,000 aliases in one file"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
@pytest.mark.parametrize("depth", [65, 30_000, 300_000])
def test_no_depth_kills_the_process(opening, depth):
    script = f"""
from flext_reconciler.load.parse import parse
for refusal in parse(({opening!r} * {depth}).encode()).refusals: print(refusal.message)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "nested deeper than 64 levels\n", "")
