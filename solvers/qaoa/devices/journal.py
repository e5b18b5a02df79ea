"""The journal of jobs that were sent to vendors: what is paid for is submitted at most once."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qopt.errors import StoreError
from qopt.record import content_key

PLACE = "QOPT_JOBS"
"""Environment variable that names the journal's file."""

_TABLE = """
CREATE TABLE IF NOT EXISTS jobs (
    key        TEXT PRIMARY KEY,
    device     TEXT NOT NULL,
    circuit    TEXT NOT NULL,
    shots      INTEGER NOT NULL,
    seed       INTEGER NOT NULL,
    repetition INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    intended   TEXT NOT NULL,
    job        TEXT NOT NULL DEFAULT '',
    failure    TEXT NOT NULL DEFAULT ''
)"""


@dataclass(frozen=True)
class Order:
    """What is to be submitted once.

    Parameters
    ----------
    device : str
        As the user wrote it.
    circuit : str
        Hash of the circuit.
    shots, seed : int
    repetition : int
        How often the same run asked for the same before.
    attempt : int
        How many jobs for it are known to have failed, or were given up.
    """

    device: str
    circuit: str
    shots: int
    seed: int
    repetition: int = 0
    attempt: int = 0

    @property
    def key(self) -> str:
        """SHA-256 of all of it, 64 hexadecimal digits."""
        return content_key(vars(self))


@dataclass(frozen=True)
class Entry:
    """What the journal knows of an order.

    Parameters
    ----------
    intended : str
        When its submission began, ISO 8601, UTC.
    job : str
        The vendor's id; empty where the submission did not come to its end.
    failure : str
        Why there will be no result; empty where there may be one.
    """

    intended: str
    job: str
    failure: str


def journal_path() -> Path:
    """The file: what `PLACE` names, else one in the user's folder for data."""
    if place := os.environ.get(PLACE):
        return Path(place)
    if sys.platform == "darwin":
        home = Path.home() / "Library" / "Application Support"
    else:
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "qopt" / "jobs.sqlite"


class Journal:
    """Orders by their keys, in a file that its owner alone can read.

    Every method is durable when it returns. Credentials are never in it.

    Parameters
    ----------
    path : path-like, optional
        Made with its folder if it is not there; `journal_path` if left out.

    Raises
    ------
    StoreError
        Where it cannot be made, read or written: then nothing is submitted.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = journal_path() if path is None else Path(path)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as fault:
            raise StoreError(
                f"the journal of jobs {self.path} cannot be written: {fault.strerror}; name "
                f"another file by {PLACE}"
            ) from None
        with self._open() as database:
            database.execute(_TABLE)

    def intend(self, order: Order) -> Entry | None:
        """Note that an order is about to be submitted; what is known of it, if it was noted before.

        Of several processes with one order, None comes back to one alone.
        """
        values = (
            order.key, order.device, order.circuit, order.shots, order.seed, order.repetition,
            order.attempt, datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._open() as database:
            made = database.execute(
                "INSERT OR IGNORE INTO jobs (key, device, circuit, shots, seed, repetition, "
                f"attempt, intended) VALUES ({', '.join('?' * len(values))})", values,
            )
            if made.rowcount:
                return None
            row = database.execute(
                "SELECT intended, job, failure FROM jobs WHERE key = ?", (order.key,)
            ).fetchone()
        return Entry(*row)

    def submitted(self, order: Order, job: str) -> None:
        """Note the vendor's id."""
        self._change("UPDATE jobs SET job = ? WHERE key = ?", job, order.key)

    def failed(self, order: Order, why: str) -> None:
        """Note that there will be no result."""
        self._change("UPDATE jobs SET failure = ? WHERE key = ?", why, order.key)

    def withdraw(self, order: Order) -> None:
        """Forget an order that the vendor surely has not taken."""
        self._change("DELETE FROM jobs WHERE key = ? AND job = ''", order.key)

    def _change(self, statement: str, *values: str) -> None:
        with self._open() as database:
            database.execute(statement, values)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection for one transaction: ids come from other threads than intents."""
        try:
            database = sqlite3.connect(self.path, timeout=30.0)
            try:
                database.execute("PRAGMA synchronous=FULL")
                with database:
                    yield database
            finally:
                database.close()
        except sqlite3.Error as fault:
            raise StoreError(
                f"{self.path} cannot be used as the journal of jobs: {fault}; name another file "
                f"by {PLACE}"
            ) from None
