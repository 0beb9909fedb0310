"""Plans as text and Markdown: what a reviewer must be able to rely on, whatever the plan holds."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from markdown_it import MarkdownIt

from flext_reconciler.model import Action, Address, BlockCode, Change, Drift, Plan, Reason, Risk, Status
from flext_reconciler.planfile import fingerprint
from flext_reconciler.render.markdown import BUDGET, plan_markdown
from flext_reconciler.render.terminal import Terminal
from flext_reconciler.render.text import drift_text, plan_text
from flext_reconciler.render.words import BLOCKS, DRIFTS, REASONS, STATUSES
from strategies import plans

MARKDOWN = MarkdownIt("gfm-like", {"linkify": False, "html": True})
OWN_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
OWN_HTML = {"<details><summary>Details</summary>\n", "</details>\n"}
TERMINALS = [Terminal(), Terminal(color=True), Terminal(unicode=False), Terminal(width=50)]


def _tokens(markdown):
    for token in MARKDOWN.parse(markdown):
        yield token
        yield from token.children or ()


def _many(number, *, value="x"):
    changes = tuple(
        Change(
            Address("flext-service", "pipeline", f"pipeline-{index:05}"),
            Action.DELETE if index % 10 == 0 else Action.CREATE,
            Reason.NEW,
            desired={"description": f"{value} {index}", "schedule": "@daily"},
            risk=Risk.HIGH if index % 10 == 0 else Risk.LOW,
        )
        for index in range(number)
    )
    return Plan("dev", {}, changes=changes)


@pytest.mark.parametrize("terminal", TERMINALS, ids=str)
@given(plan=plans())
@settings(max_examples=30)
def test_text_holds_only_our_own_escapes(terminal, plan):
    for shown in (plan_text(plan, terminal), drift_text(plan, terminal, "headline")):
        plain = OWN_ESCAPES.sub("", shown) if terminal.color else shown
        assert plain.replace("\n", "").isprintable()


@given(plans())
@settings(max_examples=60)
def test_markdown_gives_data_no_structure(plan):
    found = list(_tokens(plan_markdown(plan, fingerprint(plan))))
    assert sum(token.type == "heading_open" for token in found) == 1
    assert not [token for token in found if token.type in ("link_open", "image", "html_inline")]
    html = [token.content for token in found if token.type == "html_block"]
    assert html[0].startswith("<!-- flext:plan ")
    assert html[0].count("<") == 1
    assert set(html[1:]) <= OWN_HTML


@given(plans())
@settings(max_examples=60)
def test_markdown_lists_every_change_in_its_table(plan):
    rows = [token for token in MARKDOWN.parse(plan_markdown(plan, "f")) if token.type == "tr_open"]
    assert len(rows) == (len(plan.changes) + 1 if plan.changes else 0)


@pytest.mark.parametrize("number", [1, 40, 150, 400, 5000])
def test_markdown_keeps_its_budget(number):
    plan = _many(number, value="v" * 1000)
    shown = plan_markdown(plan, "f")
    assert len(shown) <= BUDGET
    assert shown.count("```") % 2 == 0
    assert shown.count("<details>") == shown.count("</details>")


def test_details_are_dropped_before_rows_and_creates_before_deletes():
    shown = plan_markdown(_many(400), "f", budget=40_000)
    assert shown.count("\n| `") == 400
    assert re.search(r"The details of [0-9,]+ changes of lower risk do not fit here", shown)
    first_row, *_ = re.findall(r"^\| `(.)`", shown, re.MULTILINE)
    assert first_row == "-"


def test_hostile_lists_cannot_burst_the_budget():
    notices = tuple("`" * 300 + f"\u202e{index}" for index in range(100))
    plan = replace(_many(50), notices=notices, unmanaged=tuple(Address("a", "b", "`" * 400) for _ in range(99)))
    assert len(plan_markdown(plan, "f")) <= BUDGET


@pytest.mark.parametrize("number", [3, 201])
def test_the_table_is_the_same_to_a_reader_on_both_sides_of_the_limit(number):
    shown = plan_text(_many(number), Terminal())
    table = shown.split("\n\n")[2]
    rows = table.splitlines()[1:]
    assert len(rows) == number
    assert [row.split()[:3] for row in rows[:1]] == [["-", "delete", "flext-service.pipeline/pipeline-00000"]]
    assert len({row.index("flext-service") for row in rows}) == 1


def test_the_verdict_is_said_first_and_last():
    lines = plan_text(_many(3), Terminal(), "Apply with: flext apply").strip().splitlines()
    assert lines[2] == "3 changes: 2 creates, 1 delete · 0 unchanged"
    assert lines[-1] == f"{lines[2]}. Apply with: flext apply"


@pytest.mark.parametrize(
    ("words", "meanings"),
    [(REASONS, Reason), (DRIFTS, Drift), (BLOCKS, BlockCode), (STATUSES, Status)],
    ids=["reasons", "drifts", "blocks", "statuses"],
)
def test_there_are_words_for_everything(words, meanings):
    assert set(words) == set(meanings)
