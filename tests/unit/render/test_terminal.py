"""Colour, glyphs and width follow the flag, the environment and the stream, in that order."""

from __future__ import annotations

import io

import pytest

from flext_reconciler.render.terminal import Terminal, terminal_of


class Stream(io.TextIOWrapper):
    def __init__(self, *, tty, encoding="utf-8"):
        super().__init__(io.BytesIO(), encoding=encoding)
        self.tty = tty

    def isatty(self):
        return self.tty


COLOR = [
    ("auto", {}, True, True),
    ("auto", {}, False, False),
    ("auto", {"NO_COLOR": "1"}, True, False),
    ("auto", {"NO_COLOR": ""}, True, True),
    ("auto", {"FORCE_COLOR": "1"}, False, True),
    ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
    ("auto", {"FORCE_COLOR": ""}, False, False),
    ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
    ("auto", {"TERM": "dumb"}, True, False),
    ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ("always", {"NO_COLOR": "1"}, False, True),
    ("never", {"FORCE_COLOR": "1"}, True, False),
]


@pytest.mark.parametrize(("choice", "environ", "tty", "color"), COLOR)
def test_who_decides_about_color(choice, environ, tty, color):
    assert terminal_of(Stream(tty=tty), choice, environ).color is color


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("UTF8", True), ("ascii", False), ("latin-1", False)]
)
def test_glyphs_follow_the_encoding(encoding, unicode):
    assert terminal_of(Stream(tty=False, encoding=encoding), "auto", {}).unicode is unicode


def test_a_pipe_is_as_wide_as_every_other_pipe():
    assert terminal_of(Stream(tty=False), "auto", {"COLUMNS": "30"}).width == 120


def test_a_line_is_rewritten_only_where_a_person_looks():
    assert terminal_of(Stream(tty=True), "never", {}).live
    assert not terminal_of(Stream(tty=True), "always", {"TERM": "dumb"}).live
    assert not terminal_of(Stream(tty=False), "always", {}).live


def test_glyphs_fall_back_to_ascii():
    assert Terminal(unicode=False).fit("a → b · ± …").isascii()
    assert Terminal().fit("a → b") == "a → b"
