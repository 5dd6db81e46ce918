"""The processor's memory: one SQLite file that survives a kill, one writer at a time, a connection for each thread."""

import json
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from sandbox.bank_schema import SCHEMA as BANK_SCHEMA

FILE = "processor.sqlite3"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  created INTEGER NOT NULL, body TEXT NOT NULL, private TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (account, kind, json_extract(body, '$.payment_intent'));
CREATE INDEX IF NOT EXISTS objects_by_charge ON objects (account, kind, json_extract(body, '$.charge'));
CREATE INDEX IF NOT EXISTS objects_by_source ON objects (account, kind, json_extract(body, '$.source'));
CREATE INDEX IF NOT EXISTS objects_by_customer ON objects (account, kind, json_extract(body, '$.customer'));
CREATE TABLE IF NOT EXISTS answers (
  account TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
  created INTEGER NOT NULL, PRIMARY KEY (account, key));
CREATE TABLE IF NOT EXISTS deliveries (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, event TEXT NOT NULL, endpoint TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting', due_at REAL NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  last_status INTEGER, last_error TEXT, done_at REAL);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (state, due_at);
CREATE INDEX IF NOT EXISTS deliveries_by_event ON deliveries (account, event);
CREATE TABLE IF NOT EXISTS tasks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, due_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_due ON tasks (due_at);
CREATE TABLE IF NOT EXISTS stories (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, name TEXT NOT NULL, settings TEXT NOT NULL, remaining INTEGER);
CREATE TABLE IF NOT EXISTS story_subjects (
  story INTEGER NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (story, subject));
"""


class Store:
    """Opens the file (or the one in the folder given), hands out transactions. `changed` wakes whoever waits for work."""

    def __init__(self, path):
        path = Path(path)
        self.path = str(path / FILE if path.is_dir() else path)
        self._local, self.changed = threading.local(), threading.Event()
        self._standing = {}  # by account: the instant at which somebody has stopped its clock
        with self.change() as connection:
            for statement in (_SCHEMA + BANK_SCHEMA).split(";\n"):
                if statement.strip():
                    connection.execute(statement)

    def connection(self):
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
            connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=20000", "foreign_keys=ON"):
                connection.execute(f"PRAGMA {pragma}")
            self._local.connection = connection
        return connection

    def stop_clock(self, account, at):
        """What this account makes from now on is of this instant (seconds since 1970), until it is None: then its clock goes again."""
        if at is None:
            self._standing.pop(account, None)
        else:
            self._standing[account] = at

    def time_of(self, account):
        """What the account's clock shows. A restart lets it go again."""
        return self._standing.get(account) or time.time()

    @contextmanager
    def change(self):
        """One writing transaction; everything or nothing, and on the disk when it returns."""
        connection = self.connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        self.changed.set()

    @contextmanager
    def look(self):
        """One reading transaction: a single moment of the store."""
        connection = self.connection()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")


class Shelf:
    """The objects of one account inside one transaction. Another account's ids do not exist here."""

    def __init__(self, connection, account, *, now=None, request=None, idempotency_key=None, public_url="", pace=None):
        self.connection, self.account, self.request = connection, account, request
        self.idempotency_key, self.public_url, self.pace = idempotency_key, public_url, pace
        self.home, self.now = self, now or time.time()

    @property
    def is_connected(self):
        """Whether this is the shelf of a seller's account, opened by the platform whose shelf is `home`."""
        return self.home is not self

    def beside(self, account):
        """The shelf of one of the platform's connected accounts, in the same transaction and for the same call."""
        theirs = Shelf(
            self.connection, account, request=self.request, idempotency_key=self.idempotency_key, public_url=self.public_url, pace=self.pace
        )
        theirs.home, theirs.now = self.home, self.now
        return theirs

    def put(self, body, private=None):
        """Adds or replaces an object; `private` (never shown) is kept when not given."""
        values = (json.dumps(body), json.dumps(private) if private is not None else None)
        updated = self.connection.execute(
            "UPDATE objects SET body = ?, private = coalesce(?, private) WHERE account = ? AND id = ?", (*values, self.account, body["id"])
        )
        if not updated.rowcount:
            self.connection.execute(
                "INSERT INTO objects (account, id, kind, created, body, private) VALUES (?, ?, ?, ?, ?, coalesce(?, '{}'))",
                (self.account, body["id"], body["object"], body.get("created", int(self.now)), *values),
            )
        return body

    def find(self, kind, identity):
        row = self._row(kind, identity)
        return json.loads(row["body"]) if row else None

    def private(self, identity):
        row = self._row(None, identity)
        return json.loads(row["private"]) if row else {}

    def place(self, kind, identity):
        row = self._row(kind, identity)
        return row["seq"] if row else None

    def remove(self, identity):
        self.connection.execute("DELETE FROM objects WHERE account = ? AND id = ?", (self.account, identity))

    def _row(self, kind, identity):
        if not isinstance(identity, str):
            return None
        return self.connection.execute(
            "SELECT seq, body, private FROM objects WHERE account = ? AND id = ? AND kind = coalesce(?, kind)",
            (self.account, identity, kind),
        ).fetchone()

    def rows(self, kind, *, equal=None, among=None, created=None, older_than=None, newer_than=None, count=None):
        """Newest first. `equal` compares fields of the body, `created` takes gt/gte/lt/lte, the places are `seq`."""
        where, values = ["account = ?", "kind = ?"], [self.account, kind]
        for field, value in (equal or {}).items():
            where.append(f"json_extract(body, '$.{field}') = ?")
            values.append(value)
        for field, choices in (among or {}).items():
            where.append(f"json_extract(body, '$.{field}') IN ({', '.join('?' * len(choices))})")
            values.extend(choices)
        for word, moment in (created or {}).items():
            where.append(f"created {dict(gt='>', gte='>=', lt='<', lte='<=')[word]} ?")
            values.append(moment)
        for sign, seq in (("<", older_than), (">", newer_than)):
            if seq is not None:
                where.append(f"seq {sign} ?")
                values.append(seq)
        order = "ASC" if newer_than is not None else "DESC"
        values.append(-1 if count is None else count)
        found = self.connection.execute(f"SELECT body FROM objects WHERE {' AND '.join(where)} ORDER BY seq {order} LIMIT ?", values)
        bodies = [json.loads(row["body"]) for row in found]
        return bodies[::-1] if newer_than is not None else bodies

    def later(self, kind, subject, seconds):
        """Something to be done by the clock, kept in the store so that a restart does not forget it. A stopped clock holds nothing up."""
        self.connection.execute(
            "INSERT INTO tasks (account, kind, subject, due_at) VALUES (?, ?, ?, ?)", (self.account, kind, subject, time.time() + seconds)
        )
