"""What the ledger holds is what was written, whatever the order, and whoever opens it next."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import whoami
from flext_reconciler.model import Action, Address, Change, Outcome, Plan, Reason, Record, Secret, Status, canonical
from strategies import changes, outcomes, specs

ADDRESSES = [Address("flexcore", "plugin", "wms"), Address("flext-service", "pipeline", "a/b.c \x1b\0\x01")]
WMS = ADDRESSES[0]
addresses = st.sampled_from(ADDRESSES)


class Model(RuleBasedStateMachine):
    """The ledger beside a dictionary of records, a dictionary of open intents and a list of outcomes."""

    def __init__(self, store, environment):
        super().__init__()
        self.open = lambda: store.open(environment)
        self.ledger = self.open()
        self.identity = (self.ledger.lineage, self.ledger.key)
        self.writes = 0
        self.held, self.intents, self.outcomes = {}, {}, []

    @initialize()
    def begin(self):
        self.start()

    @rule()
    def start(self):
        self.run = self.ledger.start_run("f", "me")
        self.outcomes.insert(0, {})
        self.writes += 1

    @rule(change=addresses.flatmap(changes))
    def intend(self, change):
        self.ledger.intend(self.run, change)
        self.intents.setdefault(change.address, []).append(change)
        self.writes += 1

    @rule(outcome=outcomes(addresses), id=st.none() | st.just("7"), desired=specs(), observed=specs())
    def record(self, outcome, id, desired, observed):
        record = Record(outcome.address, id, desired, observed)
        self.ledger.record(self.run, outcome, record)
        self.held[outcome.address] = record
        self.end(outcome)

    @rule(outcome=outcomes(addresses))
    def forget(self, outcome):
        self.ledger.record(self.run, outcome, None)
        self.held.pop(outcome.address, None)
        self.end(outcome)

    def end(self, outcome):
        self.intents.pop(outcome.address, None)
        self.outcomes[0][outcome.address] = outcome
        self.writes += 1

    @rule(outcome=outcomes(addresses))
    def note(self, outcome):
        self.ledger.note(self.run, outcome)
        self.outcomes[0][outcome.address] = outcome
        self.writes += 1

    @rule()
    def reopen(self):
        self.ledger.close()
        self.ledger = self.open()

    @invariant()
    def records_are_what_was_written(self):
        expected = {}
        for address in self.held | self.intents:
            intents = self.intents.get(address, ())
            attempted = tuple(intent.desired or {} for intent in intents)
            known = self.held.get(address) or Record(address, None, attempted[-1], {})
            pending = intents[-1].action if intents else None
            id = known.id if pending in (None, Action.ADOPT) else intents[-1].id or known.id
            protect = known.protect or any(intent.protect for intent in intents)
            expected[address] = Record(
                address, id, known.desired, known.observed, pending, protect=protect, attempted=attempted
            )
        records = self.ledger.records()
        assert records == expected
        # Equality takes 1 for 1.0 and True; what is compared later does not.
        assert all(canonical(records[address].desired) == canonical(expected[address].desired) for address in records)

    @invariant()
    def history_is_what_happened(self):
        history = self.ledger.history(limit=2)
        told = [{outcome.address: outcome for outcome in run.outcomes} for run in history]
        assert told == self.outcomes[:2]

    @invariant()
    def every_write_is_counted_and_the_identity_stays(self):
        assert self.ledger.serial == self.writes
        assert (self.ledger.lineage, self.ledger.key) == self.identity

    def teardown(self):
        self.ledger.close()


def test_the_ledger_holds_what_was_written(store):
    environments = map("dev-{}".format, count())
    run_state_machine_as_test(
        lambda: Model(store, next(environments)),
        settings=settings(max_examples=10, stateful_step_count=12, suppress_health_check=list(HealthCheck)),
    )


# ------------------------------------------------------------------------------------------------ particulars


def created(address=WMS, **more):
    return Change(address, Action.CREATE, Reason.NEW, desired={"token": Secret("${env:T}", "ab")}, **more)


def done(address=WMS):
    return Outcome(address, Action.CREATE, Status.DONE, id="7")


def test_an_unfinished_create_is_all_that_is_known(ledger):
    run = ledger.start_run("f", "me")
    ledger.intend(run, created())
    (record,) = ledger.records().values()
    wanted = {"token": Secret("${env:T}", "ab")}
    assert record == Record(WMS, None, wanted, {}, Action.CREATE, attempted=(wanted,))
    assert record.desired["token"].text == "${env:T}"


def test_a_record_finishes_the_intents_of_earlier_runs(ledger):
    for _ in range(2):
        ledger.intend(ledger.start_run("f", "me"), created())
    run = ledger.start_run("f", "me")
    ledger.record(run, done(), Record(WMS, "7", {}, {}))
    assert ledger.records() == {WMS: Record(WMS, "7", {}, {})}


def test_the_history_tells_when_who_and_how(store):
    start = datetime(2026, 1, 2, tzinfo=UTC)
    ticks = (start + timedelta(minutes=minute) for minute in range(10))
    with store.open(clock=lambda: next(ticks)) as ledger:
        ledger.finish_run(ledger.start_run("abc", "ana@ci"), "converged")
        ledger.start_run("def", "bob@ci")
        killed, ended = ledger.history()
        assert (ended.id, ended.who, ended.plan, ended.result) == (1, "ana@ci", "abc", "converged")
        assert (ended.started, ended.ended) == (start, start + timedelta(minutes=1))
        assert (killed.id, killed.ended, killed.result, killed.outcomes) == (2, None, "", ())
        assert ledger.history(limit=1) == (killed,)


def test_a_ledger_that_moved_refuses_writes_until_it_is_read_again(store):
    with store.open() as mine, store.open() as other:
        run = other.start_run("f", "other")
        for write in (
            lambda: mine.start_run("f", "me"),
            lambda: mine.intend(run, created()),
            lambda: mine.record(run, done(), None),
            lambda: mine.note(run, done()),
            lambda: mine.finish_run(run, "x"),
        ):
            with pytest.raises(LedgerError, match="changed by another process") as caught:
                write()
            assert caught.value.hint
        assert [run.who for run in mine.history()] == ["other"]
        mine.records()
        mine.intend(run, created())
        with pytest.raises(LedgerError, match="changed by another process"):
            other.finish_run(run, "done")


def test_two_environments_have_two_ledgers(store):
    with store.open("dev") as dev, store.open("prod") as prod:
        dev.start_run("f", "me")
        assert prod.history() == ()
        assert dev.lineage != prod.lineage
        assert dev.key != prod.key


def test_a_run_keeps_its_plan_and_its_revision(ledger):
    plan = Plan("dev", {"flexcore": "http://localhost:1"}, changes=(created(),), lineage=ledger.lineage)
    kept, bare = ledger.start_run("f", "me", plan, revision="abc"), ledger.start_run("f", "me")
    assert ledger.plan_of(kept) == plan
    assert ledger.run(kept).revision == "abc"
    assert (ledger.plan_of(bare), ledger.run(bare).revision) == (None, "")
    assert (ledger.plan_of(99), ledger.run(99)) == (None, None)


def test_what_is_forgotten_leaves_a_trace(ledger):
    run = ledger.start_run("f", "me")
    ledger.record(run, done(), Record(WMS, "7", {}, {}))
    ledger.intend(run, created(ADDRESSES[1]))
    with pytest.raises(LedgerError, match=r"nothing about flexcore.plugin/nobody"):
        ledger.forget([WMS, WMS._replace(name="nobody")], "ana")
    assert ledger.records().keys() == set(ADDRESSES)
    forgot = ledger.run(ledger.forget(ADDRESSES, "ana"))
    assert ledger.records() == {}
    assert (forgot.who, forgot.result) == ("ana", f"forgot {WMS}, {ADDRESSES[1]}")
    assert forgot.ended is not None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [({"FLEXT_WHO": " ana@ci "}, "ana@ci"), ({"FLEXT_WHO": "\udcff"}, "?")],
)
def test_who_is_said_by_the_environment(environ, expected):
    assert whoami(environ) == expected


@pytest.mark.parametrize("environ", [{}, {"FLEXT_WHO": " "}])
def test_who_is_the_user_on_this_host(environ, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ana")
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    assert whoami(environ) == "ana@box"


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def nobody():
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert whoami({}).startswith("uid-")
