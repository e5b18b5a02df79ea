"""Where run records live: a seam, and the embedded SQLite store behind it."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from .errors import StoreError, UsageError
from .record import Record

SCHEMA = 1
"""Version of the tables; kept in ``PRAGMA user_version``."""

_TABLES = (
    """
CREATE TABLE runs (
    key       TEXT PRIMARY KEY,
    started   TEXT NOT NULL,
    instance  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    solver    TEXT NOT NULL,
    seed      INTEGER NOT NULL,
    status    TEXT NOT NULL,
    objective REAL,
    record    TEXT NOT NULL
)""",
    "CREATE INDEX runs_by_instance ON runs (instance, solver, seed)",
    f"PRAGMA user_version={SCHEMA}",
)


class Store(Protocol):
    """Keeps records by content key. Adding a key again replaces its record."""

    def add(self, record: Record) -> None:
        """Keep a record; durable when the call returns."""
        ...

    def get(self, key: str) -> Record:
        """The record whose key begins with `key`.

        Raises
        ------
        StoreError
            Where none or several do.
        """
        ...

    def find(
        self, *, instance: str | None = None, solver: str | None = None, status: str | None = None
    ) -> Iterator[Record]:
        """Records in the order in which they started, filtered by exact values."""
        ...

    def __contains__(self, key: str) -> bool:
        """Whether a record with exactly this key is kept."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


class SqliteStore:
    """Records in one SQLite file, or in memory.

    Parameters
    ----------
    path : path-like, optional
        The file, made if it is not there; ``":memory:"`` keeps records only as long as the object.
    must_exist : bool
        Refuse to make a new file: for commands that only read.

    Raises
    ------
    StoreError
        Where the file is no run store, or a newer one than this version reads.
    """

    def __init__(self, path: str | Path = ":memory:", *, must_exist: bool = False) -> None:
        self.path = str(path)
        if must_exist and not Path(path).is_file():
            raise StoreError(f"there is no run store at {path}; give one with --store FILE")
        parent = Path(path).parent
        if self.path != ":memory:" and not parent.is_dir():
            raise StoreError(f"the folder {parent} of the run store does not exist; make it first")
        try:
            # Solvers report from worker threads; the core writes from one thread at a time.
            self._db = sqlite3.connect(self.path, timeout=30.0, check_same_thread=False)
            self._prepare()
        except sqlite3.Error as fault:
            raise StoreError(f"{path} cannot be used as a run store: {fault}") from fault

    def _prepare(self) -> None:
        if self._version() == 0:
            self._lay_out()
        version = self._version()
        if version > SCHEMA:
            raise StoreError(
                f"{self.path} is a run store of layout {version}, this version reads up to "
                f"{SCHEMA}; update qopt"
            )
        if version < SCHEMA or "runs" not in self._tables():
            raise StoreError(
                f"{self.path} is a database of something else, no run store; give another file"
            )

    def _lay_out(self) -> None:
        """Make the tables of a new file; a database of something else stays as it is."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")  # another process may be making them now
            if self._version() or self._tables():
                return
            for statement in _TABLES:
                self._db.execute(statement)
        self._db.execute("PRAGMA journal_mode=WAL")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _tables(self) -> set[str]:
        rows = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}

    def add(self, record: Record) -> None:
        """Keep a record; durable when the call returns."""
        text = json.dumps(record.to_json(), allow_nan=False)
        row = (
            record.key, record.started, record.instance.name, record.instance.kind, record.solver,
            record.seed, str(record.status), record.objective, text,
        )
        try:
            with self._db:
                self._db.execute("INSERT OR REPLACE INTO runs VALUES (?,?,?,?,?,?,?,?,?)", row)
        except sqlite3.Error as fault:
            raise StoreError(f"{self.path}: the record could not be written: {fault}") from fault

    def get(self, key: str) -> Record:
        """The record whose key begins with `key`."""
        if not key or any(letter not in "0123456789abcdef" for letter in key):
            raise UsageError(f"{key!r} is no run id: ids are hexadecimal digits")
        rows = self._read("SELECT record FROM runs WHERE key GLOB ? LIMIT 2", (key + "*",))
        if len(rows) != 1:
            many = "several runs" if rows else "no run"
            raise UsageError(f"{self.path} holds {many} with id {key}; list them: qopt runs list")
        return self._record(rows[0][0])

    def find(
        self, *, instance: str | None = None, solver: str | None = None, status: str | None = None
    ) -> Iterator[Record]:
        """Records in the order in which they started, filtered by exact values."""
        wanted = {"instance": instance, "solver": solver, "status": status}
        given = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in given) or "1"
        query = f"SELECT record FROM runs WHERE {where} ORDER BY started, key"
        for (text,) in self._read(query, tuple(given.values())):
            yield self._record(text)

    def _record(self, text: str) -> Record:
        try:
            return Record.from_json(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as fault:
            raise StoreError(f"{self.path} holds a damaged record: {fault}") from fault

    def _read(self, query: str, values: tuple[str, ...]) -> list[tuple[str]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as fault:
            raise StoreError(f"{self.path} cannot be read: {fault}") from fault

    def __contains__(self, key: str) -> bool:
        """Whether a record with exactly this key is kept."""
        return bool(self._read("SELECT key FROM runs WHERE key = ?", (key,)))

    def __len__(self) -> int:
        return int(self._read("SELECT count(*) FROM runs", ())[0][0])

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()
