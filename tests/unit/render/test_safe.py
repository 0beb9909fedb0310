"""Nothing that data says is ever markup, on a terminal or in Markdown."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flext_reconciler.render.safe import clean, code, fence, inert, inert_json, marker

ANY_TEXT = st.text(st.characters() | st.sampled_from("`|\\<>@#[]()*_!\n\x1b\x07\u202e\u2066\u200b"), max_size=40)
MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})

SHOWN = [
    ("plain", "plain"),
    ("héllo → ✓ 日本", "héllo → ✓ 日本"),
    ("\x1b[2J", "\\x1b[2J"),
    ("a\nb\tc\r", "a\\nb\\tc\\r"),
    ("\x9b31m", "\\x9b31m"),
    ("\u202egnp.exe", "\\u202egnp.exe"),
    ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("\u200bzero\ufeff", "\\u200bzero\\ufeff"),
    ("\U000e0041tag", "\\U000e0041tag"),
    ("line\u2028sep", "line\\u2028sep"),
    ("\ud800", "\\ud800"),
]

COMMANDS = [
    ("::error::x", ":\\x3aerror::x"),
    ("first\n \t ::error::x", "first\n \t :\\x3aerror::x"),
    ("\x1b[1;31m  \x1b[2m::error::x", "\x1b[1;31m  \x1b[2m:\\x3aerror::x"),
    ("a ::b\n:c", "a ::b\n:c"),
    ("say ##[error]x", "say #\\x23[error]x"),
    ("###[error]x", "##\\x23[error]x"),
    ("##vso[task.setvariable variable=PATH]x", "#\\x23vso[task.setvariable variable=PATH]x"),
    ("##teamcity[x]##TeamCity[y]", "#\\x23teamcity[x]#\\x23TeamCity[y]"),
    ("## [a](b) # [c] ##", "## [a](b) # [c] ##"),
]
OBEYED = re.compile(r"^(\s|\x1b\[[0-9;]*m)*::|##[A-Za-z]*\[", re.MULTILINE)
NEARLY_COMMANDS = st.text(st.sampled_from("# :[]vso\nx\x1b\u202e\x7f\U000e0041é"), max_size=40)


@pytest.mark.parametrize(("text", "shown"), COMMANDS)
def test_what_a_runner_would_obey_is_broken(text, shown):
    assert inert(text) == shown


@given(NEARLY_COMMANDS)
def test_inert_text_holds_no_command_and_stays_as_it_is(text):
    assert not OBEYED.search(inert(text))
    assert inert(inert(text)) == inert(text)


@given(st.dictionaries(NEARLY_COMMANDS, NEARLY_COMMANDS))
def test_inert_json_is_the_same_value_without_commands_or_anything_unseen(value):
    shown = inert_json(orjson.dumps(value).decode())
    assert orjson.loads(shown) == value
    assert inert(shown) == shown
    assert shown.isprintable()


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_cannot_be_seen_is_shown_as_its_escape(text, shown):
    assert clean(text) == shown


@given(ANY_TEXT)
def test_clean_text_is_printable_and_stays_as_it_is(text):
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)


@given(ANY_TEXT)
def test_printable_text_is_not_touched(text):
    printable = "".join(char for char in text if char.isprintable())
    assert clean(printable) == printable


def _inline(markdown):
    (paragraph,) = [token for token in MARKDOWN.parse(markdown) if token.type == "inline"]
    return paragraph.children


@given(ANY_TEXT)
def test_a_code_span_holds_its_text_and_nothing_else(text):
    before, span, after = _inline(f"x {code(text)} y")
    assert (before.content, after.content) == ("x ", " y")
    assert span.type == "code_inline"
    assert span.content.strip() == (clean(text) or "(empty)").strip()


@given(ANY_TEXT, ANY_TEXT)
def test_a_table_cell_stays_one_cell(first, second):
    row = f"| {code(first, in_table=True)} | {code(second, in_table=True)} |"
    tokens = MARKDOWN.parse(f"| a | b |\n|--|--|\n{row}\n")
    cells = [token.children for token in tokens if token.type == "inline"][2:]
    assert [[child.type for child in cell] for cell in cells] == [["code_inline"], ["code_inline"]]
    assert [cell[0].content.strip() for cell in cells] == [
        (clean(text) or "(empty)").strip() for text in (first, second)
    ]


@given(st.lists(ANY_TEXT, max_size=5))
def test_a_fence_ends_where_it_was_meant_to(lines):
    tokens = MARKDOWN.parse("\n".join([*fence(lines), "after"]))
    assert [token.type for token in tokens] == ["fence", "paragraph_open", "inline", "paragraph_close"]
    assert tokens[0].content.split("\n")[:-1] == [clean(line) for line in lines]


@given(ANY_TEXT.filter(lambda text: text.isprintable()))
def test_a_marker_is_one_comment(text):
    shown = marker("flext:plan", environment=text)
    assert re.fullmatch(r"<!-- flext:plan environment=[^<>\s]* -->", shown)
    assert shown.count("--") == 2
