"""A ledger on a server: what goes wrong with one is explained, and no password ever shows."""

import sys

import pytest

from flext_reconciler.errors import LedgerError
from flext_reconciler.ledger import LeaseState, open_ledger
from ledger_stores import PostgresStore


@pytest.fixture
def store(tmp_path, postgres):
    return PostgresStore(tmp_path, postgres)


def folder_of(postgres):
    return postgres.url.partition("host=")[2]


def end_sessions(postgres, which="true"):
    """Let the server end sessions of flext; returns how many."""
    return len(
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = 'flext' AND pid <> pg_backend_pid() AND ({which})"
        )
    )


CLAIMS = "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"


# ------------------------------------------------------------------------------------------------ reaching it


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://eve:s3cret@127.0.0.1:1/db", "cannot be reached"),
        ("postgresql://eve:s3cret@/nowhere?host={}", "cannot be reached"),
        ("postgresql://eve:s3cret@/postgres?host={}", "cannot be reached .*eve"),
        ("postgresql://flext:s3cret@/nowhere?host={}", "cannot be reached .*nowhere"),
        (
            "postgresql://flext:s3cret@/postgres?host={}&options=-cdefault_transaction_read_only%3Don",
            "cannot be written",
        ),
        ("postgresql://bob:s3cret@/postgres?host={}", "may not be used by this user"),
        ("postgresql://eve:s3cret%zz@localhost/db", "URL of the ledger cannot be read"),
        ("postgresql://eve:s3 cret@localhost/db", "URL of the ledger cannot be read"),
        ("postgresql://eve:s3cret@localhost/db?bogus=1", "URL of the ledger cannot be read"),
        ("postgresql://eve:s3cret@localhost:port/db", "cannot be reached"),
    ],
)
def test_a_server_that_cannot_be_used_is_explained_without_the_password(url, message, store):
    store.server.execute("DROP ROLE IF EXISTS bob")
    store.server.execute("CREATE ROLE bob LOGIN")
    with pytest.raises(LedgerError, match=message) as caught:
        open_ledger(store.folder, "dev", url=url.format(folder_of(store.server)))
    assert caught.value.hint
    assert "s3" not in f"{caught.value.message} {caught.value.hint}"
    assert list(store.folder.iterdir()) == []


def test_a_message_names_the_database_and_no_user(store):
    with store.open() as ledger:
        assert ledger.name == "postgresql:///postgres (flext_dev)"
        end_sessions(store.server)
        with pytest.raises(LedgerError, match=r"the ledger postgresql:///postgres .flext_dev. cannot be reached"):
            ledger.records()


def test_a_ledger_outlives_a_connection(store):
    with store.open() as ledger, ledger.lock("apply"):
        run = ledger.start_run("f", "me")
        assert end_sessions(store.server, f"NOT {CLAIMS}") == 1
        with pytest.raises(LedgerError, match="cannot be reached"):
            ledger.finish_run(run, "done")
        ledger.records()
        ledger.finish_run(run, "done")


def test_the_extra_is_named_when_it_is_missing(store, monkeypatch):
    monkeypatch.delitem(sys.modules, "flext_reconciler.ledger.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(LedgerError, match="not installed: sqlalchemy") as caught:
        store.open()
    assert "flext-reconciler[postgres]" in caught.value.hint


@pytest.mark.parametrize("environment", ["../prod", 'a"b', "x" * 58])
def test_a_name_that_is_no_schema_is_refused(environment, store):
    with pytest.raises(LedgerError, match="cannot name a ledger"):
        store.open(environment)


def test_the_longest_name_is_not_cut(store):
    with store.open("x" * 57) as ledger, store.open("x" * 56) as other:
        assert ledger.lineage != other.lineage


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE version (version TEXT); INSERT INTO version VALUES ('one')",
        "CREATE TABLE version (other TEXT)",
        "CREATE TABLE version (version INTEGER)",
        "CREATE TABLE meta (x TEXT)",
    ],
)
def test_a_schema_of_somebody_else_is_refused_and_untouched(statement, store):
    store.server.execute(f"CREATE SCHEMA flext_dev; SET search_path TO flext_dev; {statement}")
    with pytest.raises(LedgerError, match="is damaged, or not a ledger") as caught:
        store.open()
    assert caught.value.hint
    assert len(store.server.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'flext_dev'")) == 1


def test_a_schema_that_was_made_for_us_is_enough(store):
    store.server.execute("CREATE SCHEMA IF NOT EXISTS flext_dev")
    store.server.execute("DROP ROLE IF EXISTS carol")
    store.server.execute("CREATE ROLE carol LOGIN")
    store.server.execute("GRANT USAGE, CREATE ON SCHEMA flext_dev TO carol")
    with open_ledger(store.folder, "dev", url=store.url.replace("flext@", "carol@")) as ledger, ledger.lock("apply"):
        ledger.start_run("f", "me")
    store.server.empty()
    store.server.execute("DROP ROLE carol")


# ------------------------------------------------------------------------------------------------ the session


def test_nobody_waits_for_ever_and_every_commit_is_durable(store):
    store.server.execute("ALTER DATABASE postgres SET synchronous_commit = off")
    try:
        with store.open() as ledger, ledger.reading() as transaction:
            settings = {
                name: transaction.rows("SELECT current_setting(:name)", name=name)[0][0]
                for name in ("synchronous_commit", "lock_timeout", "idle_in_transaction_session_timeout")
            }
    finally:
        store.server.execute("ALTER DATABASE postgres RESET synchronous_commit")
    assert settings == {
        "synchronous_commit": "on", "lock_timeout": "10s", "idle_in_transaction_session_timeout": "5s"
    }  # fmt: skip


def test_a_holder_whose_session_ended_is_as_good_as_dead(store):
    with store.open() as other:
        with store.open() as ledger, ledger.lock("apply"):
            assert end_sessions(store.server, CLAIMS) == 1
            while other.lease().state is LeaseState.HELD:  # the server needs a moment
                pass
            assert other.lease().state is LeaseState.ABANDONED
        with other.lock("apply"):
            pass


def test_a_holder_that_connects_anew_is_alive_again(store):
    with store.open() as other, store.open() as ledger, ledger.lock("apply", ttl=0.3):
        end_sessions(store.server, CLAIMS)
        while other.lease().state is not LeaseState.ABANDONED:
            pass
        while other.lease().state is not LeaseState.HELD:  # a beat or two later
            pass
        ledger.start_run("f", "me")
