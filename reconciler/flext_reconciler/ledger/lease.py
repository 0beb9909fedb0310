"""One apply at a time in an environment: a lease that a dead process cannot keep and a paused one cannot use.

    free ──take──→ held ──process dies──→ abandoned ──┐
     ↑              │ └──no heartbeat for `ttl`──→ expired ──take──→ held, with the next fencing number
     └───release────┘

Who holds it beats every third of `ttl`. Each write checks in its own transaction that the lease still has our number,
so what a process decided before it lost the lease is never written after.

No lease can call back a request that was about to be sent when its process was paused: that one may still arrive. Its
intent is in the journal by then, which is why whoever takes over looks at the service before doing it again.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ..errors import FlextError, LedgerError, Locked
from .store import Claim, Database, Row, Transaction

TTL = 30.0
"""Seconds without a heartbeat after which a lease is anybody's."""

_PAUSE = 0.05  # seconds between two looks at a lease that we wait for

_FIND = "SELECT fence, id, owner, host, pid, purpose, taken_at, heartbeat_at, ttl FROM leases"


class LeaseState(StrEnum):
    """Whether whoever took a lease still has it."""

    HELD = "held"
    EXPIRED = "expired"  # no heartbeat for too long: paused, or cut off from the store
    ABANDONED = "abandoned"  # its process is gone


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is at work on an environment."""

    fence: int  # grows with each lease; what carries an older number is refused
    id: str
    owner: str
    host: str
    pid: int
    purpose: str
    taken_at: datetime
    heartbeat_at: datetime
    ttl: float
    state: LeaseState = LeaseState.HELD

    def __str__(self) -> str:
        who = self.owner or "an unnamed user"
        since = self.taken_at.isoformat(timespec="seconds")
        return f"{self.purpose} by {who}, process {self.pid} on {self.host}, since {since}"


class LostLock(Locked, LedgerError):
    """Somebody else took the lock over while this process was paused or cut off."""


class Hold:
    """A lease of ours, kept alive by a thread until it is released."""

    def __init__(self, lease: Lease, claim: Claim) -> None:
        self.lease = lease
        self._claim = claim
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="flext-heartbeat", daemon=True)
        self._thread.start()

    def check(self, transaction: Transaction) -> None:
        """Raise LostLock when the lease is no longer ours."""
        if transaction.rows("SELECT 1 FROM leases WHERE fence = :fence", fence=self.lease.fence):
            return
        taken = [f"to {_read(row)}" for row in transaction.rows(_FIND)] or ["which was taken away"]
        raise LostLock(
            f"lost the lock {taken[0]}: nothing more is written",
            hint="Run `flext plan`: it shows what is done and what was under way.",
        )

    def release(self, database: Database) -> None:
        """Give the lease back."""
        self._ended.set()
        self._thread.join()
        try:
            with suppress(LedgerError), database.transaction(write=True) as transaction:
                # When it cannot be given back it is as good as abandoned: the claim ends below.
                transaction.change("DELETE FROM leases WHERE fence = :fence", fence=self.lease.fence)
        finally:
            self._claim.release()

    def _beat(self) -> None:
        while not self._ended.wait(self.lease.ttl / 3):
            # The next beat may get through; when none does, the lease runs out, and every write finds that out.
            with suppress(FlextError), self._claim.database().transaction(write=True) as transaction:
                transaction.change(
                    "UPDATE leases SET heartbeat_at = :now WHERE fence = :fence",
                    now=transaction.now().isoformat(),
                    fence=self.lease.fence,
                )


@dataclass(frozen=True, slots=True)
class Wish:
    """A lease that somebody wants, and for how many seconds they wait for it."""

    environment: str
    purpose: str
    owner: str = ""
    ttl: float = TTL
    timeout: float = 0.0


def take(database: Database, wish: Wish) -> Hold:
    """Take the lease, waiting for its holder if need be; raises Locked, naming the holder."""
    deadline = time.monotonic() + wish.timeout
    while True:
        try:
            return _take(database, wish)
        except Locked:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_PAUSE, left))


def look(database: Database) -> Lease | None:
    """Return the lease as it is now, whoever has it."""
    with database.transaction() as transaction:
        return _look(database, transaction)


def unlock(database: Database, id: str, *, force: bool) -> Lease:
    """Take a lease away from whoever has it and return it; raises Locked for a live one, unless it is forced."""
    with database.transaction(write=True) as transaction:
        lease = _look(database, transaction)
        if lease is None or lease.id != id:
            raise LedgerError(
                f"there is no lock {id}" if lease is None else f"there is no lock {id}; the one there is {lease.id}",
                hint="`flext lock show` shows the lock.",
            )
        if lease.state is LeaseState.HELD and not force:
            raise Locked(
                f"the lock {id} is held: {lease}",
                hint="Wait until that has ended. With --force it can write nothing more from this moment.",
            )
        transaction.change("DELETE FROM leases WHERE fence = :fence", fence=lease.fence)
    return lease


def _take(database: Database, wish: Wish) -> Hold:
    with database.transaction() as transaction:  # most who wait are turned away here, and keep nobody from writing
        _require_free(database, transaction, wish)
    with ExitStack() as undo:
        with database.transaction(write=True) as transaction:
            # First, for it keeps out of what follows whoever wants the lease, or writes, at the same time.
            ((fence,),) = transaction.rows("UPDATE meta SET fence = fence + 1 RETURNING fence")
            _require_free(database, transaction, wish)
            transaction.change("DELETE FROM leases")
            claim = database.claim(fence)
            undo.callback(claim.release)
            lease = _grant(transaction, wish, fence)
        undo.pop_all()
    return Hold(lease, claim)


def _require_free(database: Database, transaction: Transaction, wish: Wish) -> None:
    lease = _look(database, transaction)
    if lease is not None and lease.state is LeaseState.HELD:
        raise Locked(
            f"another process is at work on the environment {wish.environment!r}: {lease}",
            hint="Wait until it has ended, or let the command wait with `--lock-timeout SECONDS`; "
            "`flext lock show` tells whether it is still alive.",
        )


def _grant(transaction: Transaction, wish: Wish, fence: int) -> Lease:
    now = transaction.now()
    lease = Lease(
        fence=fence,
        id=secrets.token_hex(4),
        owner=wish.owner,
        host=socket.gethostname(),
        pid=os.getpid(),
        purpose=wish.purpose,
        taken_at=now,
        heartbeat_at=now,
        ttl=wish.ttl,
    )
    transaction.change(
        "INSERT INTO leases (fence, id, owner, host, pid, purpose, taken_at, heartbeat_at, ttl)"
        " VALUES (:fence, :id, :owner, :host, :pid, :purpose, :taken_at, :heartbeat_at, :ttl)",
        fence=lease.fence,
        id=lease.id,
        owner=lease.owner,
        host=lease.host,
        pid=lease.pid,
        purpose=lease.purpose,
        taken_at=lease.taken_at.isoformat(),
        heartbeat_at=lease.heartbeat_at.isoformat(),
        ttl=lease.ttl,
    )
    return lease


def _look(database: Database, transaction: Transaction) -> Lease | None:
    for row in transaction.rows(_FIND):
        try:
            lease = _read(row)
            runs_out = lease.heartbeat_at + timedelta(seconds=lease.ttl)
        except (TypeError, ValueError, OverflowError) as error:
            raise database.damaged(error) from None
        if not database.is_claimed(transaction, lease.fence):
            return replace(lease, state=LeaseState.ABANDONED)
        return replace(lease, state=LeaseState.EXPIRED) if transaction.now() > runs_out else lease
    return None


def _read(row: Row) -> Lease:
    fence, id, owner, host, pid, purpose, taken_at, heartbeat_at, ttl = row
    return Lease(
        fence=int(fence),
        id=str(id),
        owner=str(owner),
        host=str(host),
        pid=int(pid),
        purpose=str(purpose),
        taken_at=datetime.fromisoformat(taken_at).astimezone(UTC),
        heartbeat_at=datetime.fromisoformat(heartbeat_at).astimezone(UTC),
        ttl=float(ttl),
    )
