"""Whatever a desired state is turned into, it loads or is refused with places; nothing else ever comes out."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import load_cases
from flext_reconciler.errors import DesiredStateError

CASES = [load_cases.read_case(path) for path in load_cases.CASES]
TEXTS = sorted({text for case in CASES for text in case["files"].values()})
PIECES = [
    "${",
    "}",
    "${env:TOKEN}",
    "${var:x}",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "---\n",
    "\n  ",
    "? ",
    ": ",
    "- ",
    "[",
    "]",
]
PIECES += [
    "{",
    "}",
    "|\n",
    ">-\n",
    '"',
    "'",
    "\\0",
    "#",
    "%YAML 1.1\n",
    "\t",
    "\ufeff",
    "\u2028",
    "0x",
    ".inf",
    "~",
    "é",
]

EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.one_of(st.sampled_from(PIECES).map(str.encode), st.binary(max_size=4)),
    ),
    min_size=1,
    max_size=6,
)


def mutated(text: str, edits) -> bytes:
    data = text.encode()
    for where, cut, piece in edits:
        start = int(where * (len(data) + 1))
        data = data[:start] + piece + data[start + cut :]
    return data


def judge(root: Path, name: str, data: bytes) -> None:
    (root / name).write_bytes(data)
    try:
        loaded = load_cases.load_case({"environment": "dev"}, root)
    except DesiredStateError as error:
        assert error.problems
        lines = data.decode(errors="replace").count("\n") + 2
        for problem in error.problems:
            assert problem.place.file.startswith(root.name)
            assert 1 <= problem.place.line <= max(lines, 50)
            assert problem.place.column >= 1
            assert problem.message.isprintable()
            assert "s3cret-value" not in str(problem)
    else:
        assert list(loaded.declaration.resources) == sorted(loaded.declaration.resources, key=lambda item: item.address)
    assert gc.isenabled()


def search(root: Path, examples: int) -> None:
    load_cases.write_files({"files": {"sound.yaml": "kind: plugin\nname: sound\nspec: {type: t}\n"}}, root)
    sound = (root / "environments" / "dev.yaml").read_bytes()

    @settings(max_examples=examples)
    @given(st.sampled_from(TEXTS), EDITS, st.sampled_from(["a.yaml", "environments/dev.yaml"]))
    def run(text, edits, name):
        judge(root, name, mutated(text, edits))
        (root / "environments" / "dev.yaml").write_bytes(sound)

    run()


def test_mutations_load_or_are_refused(tmp_path):
    search(tmp_path, 300)


@pytest.mark.nightly
def test_many_mutations_load_or_are_refused(tmp_path):
    search(tmp_path, 10_000)
