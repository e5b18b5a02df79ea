import json
import sqlite3
from dataclasses import replace

import pytest
from toys import Pick

from qopt.errors import StoreError, UsageError
from qopt.record import Record
from qopt.run import Task, attempt
from qopt.store import SqliteStore

pytestmark = pytest.mark.usefixtures("toy_registry")


@pytest.fixture
def records():
    return [attempt(Task(Pick(), "brute", {}, seed)) for seed in range(3)]


def test_a_record_comes_back_as_it_was(tmp_path, records):
    with SqliteStore(tmp_path / "runs.db") as store:
        for record in records:
            store.add(record)
    with SqliteStore(tmp_path / "runs.db", must_exist=True) as store:
        assert list(store.find()) == records
        assert store.get(records[1].id) == records[1]
        assert records[2].key in store
        assert "0" * 64 not in store


def test_a_record_survives_json(records):
    assert Record.from_json(json.loads(json.dumps(records[0].to_json()))) == records[0]


def test_adding_a_key_again_replaces(tmp_path, records):
    with SqliteStore(tmp_path / "runs.db") as store:
        store.add(records[0])
        store.add(replace(records[0], reason="again"))
        assert len(store) == 1
        assert store.get(records[0].key).reason == "again"


def test_filters(tmp_path, records):
    with SqliteStore() as store:
        for record in [*records, attempt(Task(Pick(), "breaks"))]:
            store.add(record)
        assert len(list(store.find(solver="brute"))) == 3
        assert len(list(store.find(status="failed"))) == 1
        assert not list(store.find(instance="another"))


def test_ids_that_name_nothing_or_no_id_are_refused(records):
    with SqliteStore() as store:
        store.add(records[0])
        with pytest.raises(UsageError, match="no run"):
            store.get("f" * 13)
        for text in ("", "%", "xyz", "'; drop table runs; --"):
            with pytest.raises(UsageError):
                store.get(text)
        assert len(store) == 1


def test_files_that_are_no_store_are_refused(tmp_path):
    (tmp_path / "text.db").write_text("this is not a database, only a text that is long enough\n")
    with pytest.raises(StoreError, match="cannot be used"):
        SqliteStore(tmp_path / "text.db")
    with pytest.raises(StoreError, match="no run store"):
        SqliteStore(tmp_path / "missing.db", must_exist=True)
    with pytest.raises(StoreError, match="folder"):
        SqliteStore(tmp_path / "no" / "runs.db")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    with pytest.raises(StoreError, match="layout 99"):
        SqliteStore(tmp_path / "newer.db")


@pytest.mark.parametrize("version", [0, 1])
def test_a_database_of_something_else_is_refused_and_stays_as_it_is(tmp_path, version):
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE cookies (name)")
    other.execute(f"PRAGMA user_version={version}")
    other.close()
    before = (tmp_path / "other.db").read_bytes()
    for must_exist in (False, True):
        with pytest.raises(StoreError, match="something else"):
            SqliteStore(tmp_path / "other.db", must_exist=must_exist)
    assert (tmp_path / "other.db").read_bytes() == before


@pytest.mark.parametrize("text", ['{"key": "a', "[]", "{}"])
def test_a_damaged_record_is_said(tmp_path, records, text):
    with SqliteStore(tmp_path / "runs.db") as store:
        store.add(records[0])
    damaged = sqlite3.connect(tmp_path / "runs.db")
    with damaged:
        damaged.execute("UPDATE runs SET record = ?", (text,))
    damaged.close()
    with SqliteStore(tmp_path / "runs.db") as store:
        with pytest.raises(StoreError, match="damaged"):
            list(store.find())
        with pytest.raises(StoreError, match="damaged"):
            store.get(records[0].key)
