"""The URL of a shared ledger: no password in clear, no way around the host it names, every problem at its place."""

from __future__ import annotations

import pytest

from flext_reconciler.errors import DesiredStateError
from flext_reconciler.load import ledger_url, load_environment

ENVIRON = {"PASSWORD": "p@ss/wörd", "URL": "postgresql://bob:hunter2@db.example/flext", "WRONG": "https://hunter2"}


def load(root, written, **environ):
    folder = root / "environments"
    folder.mkdir(exist_ok=True)
    text = f"services: {{memory: {{url: embedded}}}}\nledger: {written}\n"
    (folder / "dev.yaml").write_text(text, encoding="utf-8")
    return load_environment(root, "dev", {"memory": {}}, environ={**ENVIRON, **environ})


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("postgresql://bob@db.example/flext", "postgresql://bob@db.example/flext"),
        ("postgres://db.example:5433/flext?sslmode=require", "postgres://db.example:5433/flext?sslmode=require"),
        ("postgresql://bob:${env:PASSWORD}@db/flext", "postgresql://bob:p%40ss%2Fw%C3%B6rd@db/flext"),
        ("postgresql:///flext?host=/run/postgresql", "postgresql:///flext?host=/run/postgresql"),
        ("postgresql://a,b:5433,[::1]:5/flext", "postgresql://a,b:5433,[::1]:5/flext"),
        ("postgresql://bob@db/flext?password=${env:PASSWORD}", "postgresql://bob@db/flext?password=p%40ss%2Fw%C3%B6rd"),
        ("${env:URL}", "postgresql://bob:hunter2@db.example/flext"),
    ],
)
def test_a_reference_is_filled_in_when_the_ledger_is_opened(written, resolved, tmp_path):
    environment = load(tmp_path, f'"{written}"')
    assert environment.ledger == written
    assert ledger_url(environment.ledger, environment.sources) == resolved
    assert "hunter2" not in repr(environment)


def test_without_the_key_there_is_no_url(tmp_path):
    environment = load(tmp_path, "null")
    assert ledger_url(environment.ledger, environment.sources) == ""


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("postgresql://bob:hunter2@db/flext", "a secret is written out here"),
        ("postgresql://bob:hunter2${env:PASSWORD}@db/flext", "a secret is written out here"),
        ("postgresql://bob@db/flext?password=hunter2", "a secret is written out here"),
        ("mysql://db/flext", "not the URL of a PostgreSQL database"),
        ("postgresql://[::1/flext", "not the URL of a PostgreSQL database"),
        ("flext", "not the URL of a PostgreSQL database"),
        ("${env:WRONG}", "not the URL of a PostgreSQL database"),
        ("${env:UNSET}", "the environment variable UNSET is not set"),
        ("postgresql://bob:${env:UNSET}@db/flext", "the environment variable UNSET is not set"),
        ("postgresql://db/${ref:a.b/c.d}", "cannot stand here"),
        ("postgresql://db/flext?host=evil.example", "must not hold `host`"),
        ("postgresql://db/flext?hostaddr=10.0.0.1", "must not hold `hostaddr`"),
        ("postgresql://db/flext?service=other", "must not hold `service`"),
        ("7", "must be text, not an integer"),
        ("''", "must have"),
    ],
)
def test_what_is_wrong_is_told_at_its_place_and_never_quoted(written, message, tmp_path):
    with pytest.raises(DesiredStateError) as caught:
        load(tmp_path, written if written in ("7", "''") else f'"{written}"')
    (problem,) = caught.value.problems
    assert message in problem.message
    assert (problem.place.line, problem.place.column) == (2, 9)
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    ("written", "allowed", "passes"),
    [
        ("postgresql://bob@db.example/flext", "https://other, postgresql://db.example:5432", True),
        ("postgresql://bob@DB.example:5432/flext", "postgresql://db.example", True),
        ("postgres://bob@db.example/flext", "postgresql://db.example", True),
        ("postgresql://bob@db.example/flext", "", False),
        ("postgresql://bob@db.example/flext", "https://db.example:5432", False),
        ("postgresql://bob@db.example:5433/flext", "postgresql://db.example", False),
        ("postgresql://db.example,evil.example/flext", "postgresql://db.example", False),
        ("${env:URL}", "postgresql://db.example", True),
        ("${env:URL}", "postgresql://other", False),
        ("postgresql:///flext?host=/run/postgresql", "", True),
    ],
)
def test_credentials_go_only_where_the_machine_allows(written, allowed, passes, tmp_path):
    if passes:
        assert load(tmp_path, f'"{written}"', FLEXT_ALLOWED_ORIGINS=allowed).ledger == written
        return
    with pytest.raises(DesiredStateError, match="FLEXT_ALLOWED_ORIGINS does not list it"):
        load(tmp_path, f'"{written}"', FLEXT_ALLOWED_ORIGINS=allowed)
