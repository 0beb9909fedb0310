"""A whole ledger as one document, to be kept, moved to another store, or brought back.

It holds references and fingerprints where secrets stand. The key of the fingerprints stays, unless it is asked for:
whoever has both can try values until one fits.
"""

from __future__ import annotations

from pathlib import Path as FilePath

from ..errors import LedgerError
from ..model import Action, Json
from .documents import COLUMNS, document_row, malformed, require, row_document, sign
from .ledger import Ledger
from .rows import RECORD, read_intents, read_outcome, read_record, read_run
from .store import Transaction, Value

LEDGER = "flext-ledger"
"""The kind of the document."""

_ORDER = {"runs": "id", "resources": "address", "intents": "id", "outcomes": "run, address"}

Rows = dict[str, list[dict[str, Value]]]


def export_ledger(ledger: Ledger, *, with_key: bool = False) -> bytes:
    """Return the ledger as a canonical document: the same ledger gives the same bytes."""
    tables: dict[str, list[dict[str, Json]]] = {}
    with ledger.reading() as transaction:
        ((serial,),) = transaction.rows("SELECT serial FROM meta")
        found = {table: transaction.rows(_select(table)) for table in COLUMNS}
    with ledger.decoding():
        for table, rows in found.items():
            tables[table] = [row_document(table, row) for row in rows]
    tables["resources"].sort(key=lambda row: row["address"])  # stores sort texts in orders of their own
    tables["outcomes"].sort(key=lambda row: (row["run"], row["address"]))
    identity = {"environment": ledger.environment, "lineage": ledger.lineage, "serial": serial}
    return sign(LEDGER, {**identity, **({"key": ledger.key.hex()} if with_key else {}), **tables})


def import_ledger(ledger: Ledger, path: FilePath, document: dict[str, Json]) -> bool:
    """Fill an empty ledger from a document and take on its lineage; tells whether the key came with it."""
    require(
        document.get("environment") == ledger.environment,
        f"{path} is of the environment {document.get('environment')!r}, not of {ledger.environment!r}",
        "Choose its environment with -e.",
    )
    try:
        rows = _checked(document)
        serial, lineage, key = int(document["serial"]), str(document["lineage"]), _key(document)
    except (KeyError, TypeError, ValueError) as error:
        raise malformed(path, error) from None
    with ledger.writing() as transaction:
        if ledger.serial != 0 or transaction.rows("SELECT 1 FROM runs"):
            raise LedgerError(
                f"the ledger {ledger.name} is not empty", hint="A whole ledger is imported into an empty one only."
            )
        _fill(transaction, rows)
        transaction.change("UPDATE meta SET serial = :serial, lineage = :lineage", serial=serial, lineage=lineage)
        if key is not None:
            transaction.change("UPDATE meta SET key = :key", key=key)
    return key is not None


def _select(table: str) -> str:
    where = " WHERE finished_at IS NULL" if table == "intents" else ""
    return f"SELECT {', '.join(COLUMNS[table])} FROM {table}{where} ORDER BY {_ORDER[table]}"  # noqa: S608 - our names


def _fill(transaction: Transaction, rows: Rows) -> None:
    for table, columns in COLUMNS.items():
        names = ", ".join(columns)
        places = ", ".join(f":{column}" for column in columns)
        for row in rows[table]:
            transaction.change(f"INSERT INTO {table} ({names}) VALUES ({places})", **row)  # noqa: S608 - our names


def _key(document: dict[str, Json]) -> bytes | None:
    if "key" not in document:
        return None
    key = bytes.fromhex(document["key"])
    if len(key) != 32:
        raise ValueError("the key has another length")
    return key


def _checked(document: dict[str, Json]) -> Rows:
    """Return the rows of every table, each read once as the ledger will read it."""
    rows = {table: [document_row(table, row) for row in document[table]] for table in COLUMNS}
    for row in rows["runs"]:
        read_run(tuple(row[name] for name in COLUMNS["runs"] if name != "document"))
    for row in rows["resources"]:
        read_record(tuple(row[name] for name in RECORD))
    for row in rows["intents"]:
        address, action, change = (row[name] for name in ("address", "action", "change"))
        assert isinstance(address, str) and isinstance(action, str) and isinstance(change, bytes)
        read_intents(address, [(Action(action), change)])
    for row in rows["outcomes"]:
        read_outcome(tuple(row[name] for name in COLUMNS["outcomes"] if name != "run"))
    return rows
