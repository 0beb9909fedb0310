"""The ledger's file: ours alone, whole or refused, never harmed by being looked at."""

import os
import resource
import sqlite3
import stat
from contextlib import contextmanager

import pytest

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import directory as place
from flext_reconciler.ledger import open_ledger
from flext_reconciler.model import Action, Address, Outcome, Record, Status
from ledger_stores import fill

WMS = Address("flexcore", "plugin", "wms")


# ------------------------------------------------------------------------------------------------ permissions


def test_everything_is_private_and_hidden_from_git(tmp_path):
    directory = tmp_path / "deep" / ".flext"
    before = os.umask(0)
    try:
        with open_ledger(directory, "dev") as ledger, ledger.lock("apply"):
            ledger.start_run("f", "me")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("dev.db", "dev.db-wal", "dev.db-shm", "dev.lock-1", ".gitignore"), 0o600)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert (directory / ".gitignore").read_text() == "*\n"


def test_a_file_that_others_can_read_is_made_private(tmp_path):
    open_ledger(tmp_path, "dev").close()
    (tmp_path / "dev.db").chmod(0o644)
    open_ledger(tmp_path, "dev").close()
    assert stat.S_IMODE((tmp_path / "dev.db").stat().st_mode) == 0o600


def test_a_gitignore_of_the_users_own_is_kept(tmp_path):
    (tmp_path / ".gitignore").write_text("mine\n")
    open_ledger(tmp_path, "dev").close()
    assert (tmp_path / ".gitignore").read_text() == "mine\n"


def refuse_link(directory):
    target = directory.parent / "target"
    directory.rename(target)
    directory.symlink_to(target)


def refuse_file(directory):
    directory.rmdir()
    directory.touch()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda directory: directory.chmod(0o770), "can be written by other users"),
        (lambda directory: directory.chmod(0o702), "can be written by other users"),
        (refuse_link, "is a link, not a directory"),
        (refuse_file, "cannot be used"),
        (lambda directory: (directory / "dev.db").symlink_to("/etc/passwd"), "dev.db is not a regular file"),
        (lambda directory: (directory / "dev.db").symlink_to("nowhere"), "dev.db is not a regular file"),
        (lambda directory: (directory / "dev.db-wal").symlink_to("nowhere"), "dev.db-wal is not a regular file"),
        (lambda directory: (directory / "dev.db-shm").symlink_to("nowhere"), "dev.db-shm is not a regular file"),
        (lambda directory: (directory / "dev.db-journal").mkdir(), "dev.db-journal is not a regular file"),
        (lambda directory: os.mkfifo(directory / "dev.db"), "dev.db is not a regular file"),
    ],
)
def test_a_directory_that_is_not_safe_is_refused(make, message, tmp_path):
    directory = tmp_path / ".flext"
    directory.mkdir(mode=0o700)
    make(directory)
    with pytest.raises(LedgerError, match=message) as caught:
        open_ledger(directory, "dev")
    assert caught.value.hint
    assert not (directory.parent / "nowhere").exists()


@pytest.mark.parametrize("name", [".flext", "dev.db"])
def test_what_belongs_to_another_user_is_refused(name, tmp_path, monkeypatch):
    directory = tmp_path / ".flext"
    open_ledger(directory, "dev").close()
    foreign = next(path for path in (directory, directory / "dev.db") if path.name == name)
    check = place._check_owner

    def check_as_another(path, found):
        if path == foreign:
            monkeypatch.setattr(place.os, "geteuid", lambda: found.st_uid + 1)
        check(path, found)

    monkeypatch.setattr(place, "_check_owner", check_as_another)
    with pytest.raises(LedgerError, match="belongs to another user"):
        open_ledger(directory, "dev")


@pytest.mark.parametrize("environment", ["", "../prod", "a/b", ".hidden", "-x", "a b", "x" * 101, "é", "dev\n"])
def test_a_name_that_is_no_file_name_is_refused(environment, tmp_path):
    with pytest.raises(LedgerError, match="cannot name a ledger"):
        open_ledger(tmp_path / ".flext", environment)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------------------ what is in the file


def other_database(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database at all" * 500),
        lambda path: path.write_bytes(b"SQLite format 3\0" + bytes(4080)),
        other_database,
    ],
    ids=["empty", "text", "header only", "somebody else's"],
)
def test_what_is_no_ledger_is_refused_and_untouched(make, tmp_path):
    path = tmp_path / "dev.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is damaged, or not a ledger") as caught:
        open_ledger(tmp_path, "dev")
    assert "Move it aside" in caught.value.hint
    assert path.read_bytes() == before


def test_any_damaged_page_is_refused_or_harmless(tmp_path):
    with open_ledger(tmp_path, "dev") as ledger:
        fill(ledger)
    path = tmp_path / "dev.db"
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 512):
        path.write_bytes(whole[:at] + bytes(byte ^ 0x55 for byte in whole[at : at + 64]) + whole[at + 64 :])
        try:
            with open_ledger(tmp_path, "dev") as ledger:
                ledger.records()
                ledger.history()
        except LedgerError as error:
            refused += 1
            assert error.hint
    assert refused


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE meta SET lineage = x'00'",
        "UPDATE resources SET desired = '{}'",
        "UPDATE resources SET address = NULL",
        "UPDATE leases SET heartbeat_at = x'00'",
    ],
)
def test_values_of_types_that_no_flext_wrote_are_refused(statement, tmp_path):
    with open_ledger(tmp_path, "dev") as ledger, ledger.lock("apply"):
        fill(ledger, 1)
        with sqlite3.connect(tmp_path / "dev.db") as connection:
            connection.execute(statement)
        connection.close()
        with pytest.raises(LedgerError, match="is damaged"), open_ledger(tmp_path, "dev") as other:
            other.records()
            other.lease()


# ------------------------------------------------------------------------------------------------ what the disk does


def test_every_commit_is_synced(tmp_path):
    with open_ledger(tmp_path, "dev") as ledger, ledger.reading() as transaction:
        assert transaction.rows("PRAGMA synchronous") == [(2,)]
        assert transaction.rows("PRAGMA journal_mode") == [("wal",)]


@contextmanager
def disk_full(ledger):
    connection = ledger._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    connection.execute("PRAGMA max_page_count = 100000")


@contextmanager
def disk_broken(ledger):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))  # each write past the first byte fails
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("fault", "message"),
    [(disk_full, "the disk is full"), (disk_broken, "(the disk is full|input/output error)")],
)
def test_a_disk_that_fails_is_explained_and_nothing_is_lost(fault, message, tmp_path):
    big = Record(WMS, "1", {"text": "x" * 100_000}, {})
    with open_ledger(tmp_path, "dev") as ledger:
        run = fill(ledger, 3)
        records, serial = ledger.records(), ledger.serial
        with fault(ledger), pytest.raises(LedgerError, match=message) as caught:
            ledger.record(run, Outcome(WMS, Action.CREATE, Status.DONE), big)
        assert caught.value.hint
        assert ledger.serial == serial
        assert ledger.records() == records
        ledger.record(run, Outcome(WMS, Action.CREATE, Status.DONE), big)
        assert ledger.records() == {**records, WMS: big}
