"""One at a time, named to those who wait, gone with its process, useless to a process that lost it."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from flext_reconciler.errors import LedgerError, Locked
from flext_reconciler.ledger import LeaseState, LostLock, open_ledger
from flext_reconciler.model import Action, Address, Change, Outcome, Reason, Status

WMS = Address("flexcore", "plugin", "wms")
CHANGE = Change(WMS, Action.CREATE, Reason.NEW, desired={})
DONE = Outcome(WMS, Action.CREATE, Status.DONE)

HOLD = """
import pathlib, sys
from flext_reconciler.errors import Locked
from flext_reconciler.ledger import open_ledger
with open_ledger(pathlib.Path(sys.argv[1]), "dev", url=sys.argv[2]) as ledger:
    with ledger.lock("apply", who="ana@ci", ttl=float(sys.argv[3])):
        print("held", flush=True)
        sys.stdin.readline()
        try:
            ledger.start_run("f", "ana@ci")
            print("written")
        except Locked as error:
            print(error.message)
"""


class Holder:
    """Another process that holds the lock."""

    def __init__(self, store, ttl=30):
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(store.folder), store.url, str(ttl)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout.readline() == "held\n"

    def go_on(self):
        """Let it try to write, and return what came of it once it has ended."""
        told, _ = self.process.communicate("\n")
        return told.strip()


@pytest.fixture
def hold(store):
    started = []

    def start(**more):
        started.append(Holder(store, **more))
        return started[-1]

    yield start
    for holder in started:
        holder.process.kill()
        holder.process.communicate()


def silence(store):
    """Let the holder's last heartbeat be long ago."""
    then = datetime.now(UTC) - timedelta(minutes=5)
    store.execute(f"UPDATE leases SET heartbeat_at = '{then.isoformat()}'")


# ------------------------------------------------------------------------------------------------ taking and waiting


def test_the_holder_is_named(ledger, hold):
    holder = hold()
    with pytest.raises(Locked) as caught, ledger.lock("apply"):
        pass
    assert "'dev': apply by ana@ci, process" in caught.value.message
    assert f"process {holder.process.pid} on " in caught.value.message
    assert "--lock-timeout" in caught.value.hint
    lease = ledger.lease()
    assert (lease.owner, lease.pid, lease.purpose, lease.state) == (
        "ana@ci", holder.process.pid, "apply", LeaseState.HELD
    )  # fmt: skip


def test_a_holder_that_ends_lets_the_next_one_in(ledger, hold):
    holder = hold()
    holder.process.stdin.write("\n")
    holder.process.stdin.flush()
    with ledger.lock("apply", timeout=30) as lease:
        assert lease.pid == os.getpid()
    assert ledger.lease() is None
    assert holder.process.stdout.read() == "written\n"
    with ledger.lock("apply") as again:
        assert again.fence > lease.fence


@pytest.mark.parametrize("timeout", [0.0, 0.06, -1.0])
def test_waiting_ends_with_the_timeout(timeout, ledger):
    with ledger.lock("apply"), pytest.raises(Locked, match=f"process {os.getpid()}"), ledger.lock("apply", timeout):
        pass


def test_a_failure_inside_releases(ledger):
    with pytest.raises(RuntimeError), ledger.lock("apply"):
        raise RuntimeError
    assert ledger.lease() is None
    with ledger.lock("apply"):
        pass


def test_environments_do_not_wait_for_each_other(store):
    with store.open("dev") as dev, store.open("prod") as prod, dev.lock("apply"), prod.lock("apply"):
        assert dev.lease().id != prod.lease().id


def test_the_lock_is_alive_as_long_as_it_beats(store):
    with store.open() as ledger, store.open() as other, ledger.lock("apply", ttl=0.3):
        silence(store)
        then = other.lease().heartbeat_at
        while other.lease().heartbeat_at == then:  # ends with the next beat
            pass
        assert other.lease().state is LeaseState.HELD


# ------------------------------------------------------------------------------------------------ dying


def test_a_killed_holder_leaves_no_lock(ledger, hold):
    holder = hold()
    holder.process.kill()
    holder.process.wait()
    with ledger.lock("apply", timeout=1, who="bob") as lease:
        assert lease.owner == "bob"
        assert ledger.lease() == lease


# Forks children that take the lock and are killed with it, again and again.
KILL = """
import os, pathlib, signal, sys
from flext_reconciler.ledger import open_ledger
folder, url, rounds = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
open_ledger(folder, "dev", url=url).close()
for _ in range(rounds):
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        with open_ledger(folder, "dev", url=url) as ledger, ledger.lock("apply"):
            ledger.start_run("f", "me")
            os.write(theirs, b"held")
            signal.pause()
    assert os.read(ours, 4) == b"held"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with open_ledger(folder, "dev", url=url) as ledger, ledger.lock("apply", timeout=1):
        ledger.start_run("f", "me")
print("regained")
"""


def test_a_lock_is_regained_at_once_after_each_kill(store, request):
    if store.url:
        request.getfixturevalue("synced")
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(store.folder), store.url, "10"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "regained\n", done.stderr
    with store.open() as ledger:
        assert len(ledger.history(limit=100)) == 20


# Forks children that each take the lock again and again, and make sure that they are alone inside.
RACE = """
import os, pathlib, sys
from flext_reconciler.ledger import open_ledger
folder, url = pathlib.Path(sys.argv[1]), sys.argv[2]
inside = folder / "inside"
open_ledger(folder, "dev", url=url).close()

def work():
    with open_ledger(folder, "dev", url=url) as ledger:
        for _ in range(4):
            with ledger.lock("apply", timeout=60):
                os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
                ledger.records()
                run = ledger.start_run("f", "me")
                ledger.finish_run(run, str(os.getpid()))
                inside.unlink()

children = []
for _ in range(8):
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


def test_eight_who_race_are_never_two_inside(store):
    done = subprocess.run(
        [sys.executable, "-c", RACE, str(store.folder), store.url], capture_output=True, text=True, check=False
    )
    assert done.stdout == f"{[0] * 8}\n", done.stderr
    with store.open() as ledger:
        runs = ledger.history(limit=100)
        assert sorted(run.id for run in runs) == list(range(1, 33))
        assert all(run.result for run in runs)
        with ledger.lock("apply") as lease:
            assert lease.fence >= 33


# ------------------------------------------------------------------------------------------------ losing


def test_a_paused_holder_wakes_up_to_nothing(ledger, hold):
    holder = hold(ttl=1.5)
    holder.process.send_signal(signal.SIGSTOP)
    with ledger.lock("apply", timeout=60, who="bob"):
        holder.process.send_signal(signal.SIGCONT)
        told = holder.go_on()
        assert told.startswith("lost the lock to apply by bob, process")
        assert told.endswith("nothing more is written")
    assert ledger.history() == ()


WRITES = {
    "start_run": lambda ledger, run: ledger.start_run("f", "me"),
    "intend": lambda ledger, run: ledger.intend(run, CHANGE),
    "record": lambda ledger, run: ledger.record(run, DONE, None),
    "note": lambda ledger, run: ledger.note(run, DONE),
    "finish_run": lambda ledger, run: ledger.finish_run(run, "x"),
}


def take_over(store):
    silence(store)
    with store.open() as other, other.lock("apply", who="bob"):
        return other.lease()


def unlock_by_force(store):
    with store.open() as other:
        return other.unlock(other.lease().id, force=True)


@pytest.mark.parametrize("lose", [take_over, unlock_by_force])
def test_every_write_after_losing_the_lock_is_refused(lose, store):
    with store.open() as ledger, ledger.lock("apply"):
        run = ledger.start_run("f", "me")
        lose(store)
        for name, write in WRITES.items():
            with pytest.raises(LostLock, match=r"lost the lock .*: nothing more is written") as caught:
                write(ledger, run)
            assert caught.value.exit_code == 9, name
            assert isinstance(caught.value, Locked)
            assert isinstance(caught.value, LedgerError)
        (told,) = ledger.history()
        assert (told.result, told.outcomes) == ("", ())
    with store.open() as other, other.lock("apply"):
        pass


def test_a_lost_lock_is_not_given_back_for_its_new_holder(store):
    with store.open() as other:
        with store.open() as ledger, ledger.lock("apply"):
            silence(store)
            taken = other.lock("apply", who="bob")
            lease = taken.__enter__()
        assert other.lease() == lease
        taken.__exit__(None, None, None)
        assert other.lease() is None


# ------------------------------------------------------------------------------------------------ unlocking


def test_a_living_lock_is_taken_away_by_force_only(ledger):
    with ledger.lock("apply", who="ana") as lease:
        with pytest.raises(Locked, match=f"the lock {lease.id} is held: apply by ana") as caught:
            ledger.unlock(lease.id)
        assert "--force" in caught.value.hint
        assert ledger.unlock(lease.id, force=True) == lease
        assert ledger.lease() is None


def test_an_expired_lock_can_be_taken_away(ledger, store):
    with ledger.lock("apply") as lease:
        silence(store)
        assert ledger.lease().state is LeaseState.EXPIRED
        assert ledger.unlock(lease.id).state is LeaseState.EXPIRED


def test_an_abandoned_lock_can_be_taken_away(ledger, hold):
    holder = hold()
    holder.process.kill()
    holder.process.wait()
    lease = ledger.lease()
    while lease.state is LeaseState.HELD:  # a server needs a moment to notice
        lease = ledger.lease()
    assert lease.state is LeaseState.ABANDONED
    ledger.unlock(lease.id)
    assert ledger.lease() is None


@pytest.mark.parametrize("force", [False, True])
def test_only_the_lock_that_is_named_is_taken_away(force, ledger):
    with pytest.raises(LedgerError, match="there is no lock beef"):
        ledger.unlock("beef", force=force)
    with ledger.lock("apply") as lease:
        with pytest.raises(LedgerError, match=f"no lock beef; the one there is {lease.id}"):
            ledger.unlock("beef", force=force)
        assert ledger.lease() == lease


# ------------------------------------------------------------------------------------------------ lock files


@pytest.mark.parametrize(
    "make",
    [
        lambda directory: (directory / "dev.lock-1").symlink_to(directory / "elsewhere"),
        lambda directory: (directory / "dev.lock-1").mkdir(),
    ],
    ids=["link", "directory"],
)
def test_a_lock_that_cannot_be_held_is_explained(make, tmp_path):
    with open_ledger(tmp_path, "dev") as ledger:
        make(tmp_path)
        with pytest.raises(LedgerError, match="cannot be used") as caught, ledger.lock("apply", timeout=0.1):
            pass
        assert caught.value.hint
        assert not (tmp_path / "elsewhere").exists()
        assert ledger.lease() is None


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    def missing(handle, operation):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", missing)
    with (
        open_ledger(tmp_path, "dev") as ledger,
        pytest.raises(LedgerError, match="cannot be used"),
        ledger.lock("apply"),
    ):
        pass


def test_files_of_the_dead_are_removed_and_nothing_else(tmp_path):
    for name in ("dev.lock-0", "dev.lock-9.db", "dev.lock-x", "dev-2.lock-3"):
        (tmp_path / name).touch()
    with open_ledger(tmp_path, "dev") as ledger, ledger.lock("apply"):
        left = {path.name for path in tmp_path.iterdir() if "lock" in path.name}
    assert left == {"dev.lock-1", "dev.lock-9.db", "dev.lock-x", "dev-2.lock-3"}
    assert not (tmp_path / "dev.lock-1").exists()
