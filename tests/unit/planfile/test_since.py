"""Which of the things that later runs did still stand when a run is to be taken back."""

from __future__ import annotations

import pytest

from flext_reconciler.inverse.since import overtaken, successor, touched_by
from flext_reconciler.model import Action, Address, BlockCode, Status, Touch

A = Address("memory", "widget", "a")
CREATE, UPDATE, REPLACE, DELETE = Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE
DONE, FAILED = Status.DONE, Status.FAILED


def touch(run, action, status=DONE, *, undoes=0, id="1"):
    return Touch(run, A, action, status, id, undoes)


@pytest.mark.parametrize(
    ("later", "standing"),
    [
        ([], []),
        ([touch(2, UPDATE)], [2]),
        ([touch(2, UPDATE), touch(3, REPLACE)], [3, 2]),
        ([touch(2, DELETE, undoes=1)], []),  # taken back once already
        ([touch(2, DELETE, undoes=1), touch(3, CREATE)], [3]),
        ([touch(2, DELETE, undoes=1), touch(3, CREATE, undoes=2)], []),  # a rollback that was rolled back
        ([touch(2, REPLACE), touch(3, REPLACE, undoes=2)], []),
        ([touch(2, REPLACE), touch(3, REPLACE, FAILED, undoes=2)], [2]),
        ([touch(2, REPLACE), touch(3, REPLACE, undoes=2), touch(4, REPLACE, undoes=3)], [2]),
    ],
)
def test_a_later_run_stands_unless_it_was_taken_back(later, standing):
    elsewhere = Touch(2, A._replace(name="b"), CREATE, DONE)
    found = touched_by(1, [touch(1, CREATE), *later, elsewhere])
    assert {address: [touch.run for touch in listed] for address, listed in found.items()} == {A: standing}


def test_a_rollback_of_an_earlier_run_stands():
    assert touched_by(2, [touch(2, CREATE), touch(3, DELETE, undoes=1)]) == {A: (touch(3, DELETE, undoes=1),)}


@pytest.mark.parametrize(
    ("newest_first", "run"),
    [
        ([], None),
        ([touch(3, UPDATE)], None),
        ([touch(3, UPDATE), touch(2, CREATE)], 2),
        ([touch(3, DELETE), touch(2, CREATE)], 3),
        ([touch(3, DELETE, FAILED), touch(2, CREATE)], 2),
        ([touch(2, CREATE, FAILED, id=None)], None),  # refused
        ([touch(2, CREATE, FAILED, id="2")], 2),  # made, and not as it was asked for
        ([touch(2, REPLACE, None, id=None)], 2),  # killed: nobody knows
    ],
)
def test_what_was_made_anew_or_deleted_is_another_object(newest_first, run):
    found = successor(newest_first)
    assert (found and found.run) == run


def test_what_a_later_run_made_anew_is_blocked_with_the_way_to_take_that_back():
    blocked = overtaken(touch(3, REPLACE))
    assert (blocked.address, blocked.code) == (A, BlockCode.OVERTAKEN)
    assert blocked.message == "it is not as the run left it: run 3 made it anew since"
    assert "flext rollback 3" in blocked.hint
