"""Simulating a plan: what the imitations hold, what goes wrong where it is told to, and what nobody touches."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from flext_reconciler.errors import UsageError
from flext_reconciler.ledger import open_ledger
from flext_reconciler.model import (
    Action,
    Actuals,
    Address,
    Change,
    Lifecycle,
    Outcome,
    Reason,
    Record,
    Secret,
    Status,
)
from flext_reconciler.plan import PlanOptions
from flext_reconciler.planfile.inputs import planned
from flext_reconciler.render.documents import dumps
from flext_reconciler.render.simulation import simulation_document, simulation_markdown, simulation_text
from flext_reconciler.render.terminal import Terminal
from flext_reconciler.sandbox import GENERIC_FAULTS
from flext_reconciler.simulate import KILLED, FailAt, rehearse
from flext_reconciler.simulate.clock import run_timeless
from flext_reconciler.simulate.ledger import ScratchLedger
from flext_reconciler.simulate.secrets import Placeholders, placeholder
from flext_reconciler.simulate.stage import Made
from simulator.declare import Author, declaration
from simulator.edits import Outsiders
from simulator.trial import TODAY, comparable
from simulator.truth import things
from simulator.world import FINGERPRINTER, PROVIDERS, Process, World

OPTIONS = PlanOptions(adopt=True, prune=True, today=TODAY)


class Scene:
    """A platform with a past, and what is declared for it now."""

    def __init__(self, seed, edits=2):
        self.world, self.edits = World(seed), edits
        random.seed(seed)
        author = Author(self.world, random.Random(seed))
        before = author.declare()
        after = author.declare(before)
        self.before, self.after = (declaration(specs, dict.fromkeys(specs, Lifecycle())) for specs in (before, after))
        self.outsiders = Outsiders(self.world, random.Random(seed), author)
        self.made = run_timeless(self._prepare())

    async def _prepare(self):
        await Process(self.world).run(self.before, OPTIONS)
        for _ in range(self.edits):
            await self.outsiders.act()
        return await Process(self.world).look(self.after, OPTIONS)

    def rehearse(self, fail_at=None, made=None):
        made = made or self.made
        return rehearse(made.plan, made.inputs, PROVIDERS, FINGERPRINTER, lambda event: None, fail_at)

    def apply(self):
        return run_timeless(Process(self.world).run(self.after, OPTIONS))


@pytest.mark.parametrize("seed", range(25))
def test_a_simulation_tells_what_the_apply_will_do(seed):
    scene = Scene(seed)
    before = comparable(scene.world)
    shown = scene.rehearse()
    assert comparable(scene.world) == before
    report = scene.apply().report
    told = [(outcome.address, outcome.action, outcome.status, outcome.message) for outcome in shown.report.outcomes]
    assert told == [(one.address, one.action, one.status, one.message) for one in report.outcomes]
    assert shown.converges is (not report.residual.changes)
    kinds = [f"{thing.address.service}.{thing.address.kind}" for thing in things(scene.world)]
    read = {f"{service}.{kind}" for service, kind, _ in scene.made.inputs.actuals.found}
    assert dict(shown.there) == {
        kind: kinds.count(kind) for kind in sorted(set(kinds)) if kind in read | set(shown.there)
    }


@pytest.mark.parametrize("seed", [3, 11])
@pytest.mark.parametrize("fault", [*sorted(GENERIC_FAULTS), KILLED])
def test_every_fault_at_the_first_step_is_lived_through(seed, fault):
    scene = Scene(seed)
    plain = scene.rehearse()
    assert plain.requests
    shown = scene.rehearse(FailAt(1, fault))
    assert shown.requests[0].fault == fault
    assert (shown.report is None) is (fault == KILLED)
    assert shown.converges
    assert shown.resume.changes or shown.report.converged


@pytest.mark.parametrize("seed", range(3))
def test_a_kill_at_every_step_is_lived_through(seed):
    scene = Scene(seed)
    for number, request in enumerate(scene.rehearse().requests, 1):
        shown = scene.rehearse(FailAt(number, KILLED))
        assert shown.report is None
        assert shown.requests[-1].step >= number
        assert shown.requests[number - 1].address == request.address
        assert shown.converges, (number, shown.left)


def test_a_step_that_is_never_reached_is_an_error():
    scene = Scene(0)
    steps = len(scene.rehearse().requests)
    with pytest.raises(UsageError, match=f"no step {steps + 1}: the apply sends {steps} write request"):
        scene.rehearse(FailAt(steps + 1, "lost_reply"))


def test_a_fault_that_the_service_of_the_step_lacks_is_an_error():
    scene = Scene(0)
    first = scene.rehearse().requests[0]
    alien = "busy_pipeline" if first.service == "flexcore" else "no_factories"
    with pytest.raises(UsageError, match=f"step 1 goes to {first.service}, which has no fault {alien}"):
        scene.rehearse(FailAt(1, alien))


def test_what_could_not_be_read_stays_unknown():
    scene = Scene(1, edits=0)
    world, after = scene.world, scene.after
    kind = ("flext-service", "plugin")

    async def look():
        made = await Process(world).look(after, OPTIONS)
        found = {address: actual for address, actual in made.inputs.actuals.found.items() if address[:2] != kind}
        silent = Actuals(found, made.inputs.actuals.support, {kind: "no answer"})
        return replace(made.inputs, actuals=silent)

    inputs = run_timeless(look())
    kinds = {(name, kind): spec for name, it in PROVIDERS.items() for kind, spec in it.kinds.items()}
    plan = planned(inputs, kinds)
    assert plan.blocked
    shown = scene.rehearse(made=Made(plan, inputs))
    assert shown.converges
    assert {item.address for item in shown.left.blocked} == {item.address for item in plan.blocked}
    assert not any(
        request.path.startswith("/api/v1/plugins") for request in shown.requests if request.service == kind[0]
    )


@pytest.mark.parametrize("seed", range(5))
def test_no_secret_reaches_the_imitations_or_the_page(seed, monkeypatch):
    scene = Scene(seed)
    held = []
    for provider in PROVIDERS.values():
        embedded = provider.embedded

        def made(path, make=embedded.make):
            held.append(make(path))
            return held[-1]

        monkeypatch.setattr(provider, "embedded", replace(embedded, make=made))
    shown = scene.rehearse()
    stored = "".join(
        str(dict(app.store.collection(name))) for app in held for name in ("plugins", "pipelines", "specs", "node")
    )
    assert "open sesame" not in stored
    for page in (simulation_text(shown, Terminal()), simulation_markdown(shown), dumps(simulation_document(shown))):
        assert "open sesame" not in page
        assert "placeholder" not in page


@pytest.mark.parametrize("fail_at", [None, FailAt(1, "http_500"), FailAt(1, KILLED)])
def test_the_same_plan_gives_the_same_pages(fail_at):
    one, two = Scene(4).rehearse(fail_at), Scene(4).rehearse(fail_at)
    assert simulation_text(one, Terminal()) == simulation_text(two, Terminal())
    assert simulation_markdown(one) == simulation_markdown(two)
    assert simulation_document(one)["requests"] == simulation_document(two)["requests"]


def test_a_page_tells_steps_outcomes_state_and_verdict():
    text = simulation_text(Scene(4).rehearse(FailAt(1, KILLED)), Terminal())
    assert "(killed)" in text
    assert "flext was killed at step 1" in text
    assert "Then there were:" in text
    assert "The next plan:" in text
    assert "It converges, after 1 further run." in text


# ------------------------------------------------------------------------------------------------ the parts


def test_placeholders_are_fingerprinted_as_what_they_stand_for():
    real = FINGERPRINTER
    secret = Secret("${env:TOKEN}", real.of("open sesame"))
    names = Placeholders(real)
    assert names.of(placeholder(secret)) == secret.fingerprint
    assert names.of("something else") == real.of("something else")
    assert placeholder(Secret("", secret.fingerprint)) == placeholder(secret)


def test_the_scratch_ledger_remembers_as_the_real_one(tmp_path):
    address = Address("flexcore", "plugin", "wms")
    change = Change(address, Action.UPDATE, Reason.EDITED, desired={"type": "ray"}, id="7")
    done = Outcome(address, Action.UPDATE, Status.DONE)
    with open_ledger(tmp_path, "dev") as real:
        scratch, seen = ScratchLedger(), []
        for ledger in (real, scratch):
            run = ledger.start_run("f", "me")
            story = [dict(ledger.records())]
            ledger.intend(run, change)
            story.append(dict(ledger.records()))
            ledger.intend(run, replace(change, action=Action.REPLACE, desired={"type": "meltano"}, id=None))
            story.append(dict(ledger.records()))
            ledger.note(run, done)
            story.append(dict(ledger.records()))
            ledger.record(run, done, Record(address, "8", {"type": "ray"}, {"type": "ray"}))
            ledger.intend(run, change)
            story.append(dict(ledger.records()))
            ledger.record(run, done, None)
            ledger.finish_run(run, "converged")
            story.append(dict(ledger.records()))
            seen.append(story)
    assert seen[0] == seen[1]


def test_waiting_takes_no_time_and_timers_fire_in_order():
    async def wait():
        loop = asyncio.get_running_loop()
        began, fired = loop.time(), []
        for seconds in (3600, 1, 86400 * 3):
            loop.call_later(seconds, fired.append, seconds)
        await asyncio.sleep(86400 * 7)
        return fired, loop.time() - began

    fired, took = run_timeless(wait())
    assert fired == [1, 3600, 86400 * 3]
    assert took == pytest.approx(86400 * 7)


def test_a_wait_that_nothing_can_end_is_an_error():
    async def wait():
        await asyncio.Event().wait()

    with pytest.raises(RuntimeError, match="nothing will ever happen"):
        run_timeless(wait())


@pytest.mark.parametrize("seed", range(12))
def test_what_is_restored_reads_as_it_was(seed):
    """Everything that the plan saw is there again: ids, marks, values; secrets by their fingerprints."""
    scene = Scene(seed)
    shown = scene.rehearse(made=scene.made._replace(plan=replace(scene.made.plan, changes=())))
    assert shown.resume.changes == scene.made.plan.changes
    assert shown.resume.unmanaged == scene.made.plan.unmanaged
    assert shown.resume.prunable == scene.made.plan.prunable
