"""Tables of prices as Parquet: the layouts of CSV, with types."""

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet as pq

import qopt
from qopt.errors import MissingPackageError, ParseError
from qopt.problem import fingerprint
from qopt.problems.formats import parquet, tabular

DAYS = pd.to_datetime(["2020-01-03", "2020-01-10", "2020-01-17", "2020-01-24"])
FRAME = pd.DataFrame({"A": [80, 100, 0.1 + 0.2, 7], "B": [40.0, np.nan, 50.0, 51.5]}, index=DAYS)


def series_of(path, quantity="prices"):
    return tabular.read_series(parquet.read_table(path), quantity)


@pytest.mark.parametrize("index_name", [None, "Date", "when"])
@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_a_data_frame_with_its_index(tmp_path, index_name, zone):
    file = tmp_path / "p.parquet"
    frame = FRAME.rename_axis(index_name)
    (frame if zone is None else frame.tz_localize(zone)).to_parquet(file)
    assert parquet.recognises(file.name, file.read_bytes()[:4096].decode(errors="replace"))
    series = series_of(file)
    assert series.assets == ("A", "B")
    assert series.times[0] == ("2020-01-03" if zone is None else "2020-01-03T05:00:00")
    assert np.array_equal(series.values, FRAME.to_numpy(), equal_nan=True)


def test_the_same_prices_are_the_same_instance(tmp_path):
    FRAME.to_parquet(tmp_path / "p.parquet")
    FRAME.to_csv(tmp_path / "p.csv", index_label="date")
    flat = FRAME.rename_axis("date").reset_index()
    flat.to_parquet(tmp_path / "flat.parquet", index=False)
    long = flat.melt("date", var_name="asset", value_name="price").sample(frac=1, random_state=1)
    long.to_parquet(tmp_path / "long.parquet")  # with a shuffled index of numbers
    names = ("p.parquet", "p.csv", "flat.parquet")
    prints = {fingerprint(qopt.load(tmp_path / name, select=1)) for name in names}
    assert len(prints) == 1
    long.to_parquet(tmp_path / "long.parquet", index=False)
    melted = qopt.load(tmp_path / "long.parquet", select=1, assets="A;B")
    by_name = {n: melted.moments.mean[i] for i, n in enumerate(melted.assets)}
    plain = qopt.load(tmp_path / "p.csv", select=1)
    assert by_name == dict(zip(plain.assets, plain.moments.mean, strict=True))


def write(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_other_types(tmp_path):
    file = write(
        tmp_path / "p.parquet", day=[date(2020, 1, 2), date(2020, 1, 1)],
        A=[Decimal("1.50"), Decimal("2.25")], B=pa.array([3, None], pa.int16()),
        C=pa.array(["1e1", "n/a"]).dictionary_encode(),
    )
    series = series_of(file)
    assert series.times == ("2020-01-01", "2020-01-02")
    expected = [[2.25, np.nan, np.nan], [1.5, 3.0, 10.0]]
    assert np.array_equal(series.values, expected, equal_nan=True)


@pytest.mark.parametrize(
    ("columns", "line", "words"),
    [
        ({"date": ["2020-01-01", "2020-01-01"], "A": [1.0, 2.0]}, 2, "time, first on line 1"),
        ({"date": ["2020-01-01", "soon"], "A": [1.0, 2.0]}, 2, "got 'soon'"),
        ({"date": ["2020-01-01", None], "A": [1.0, 2.0]}, 2, "got ''"),
        ({"date": [1, 2], "A": [1.0, -2.0]}, 2, "price -2.0 of A is not above 0"),
        ({"date": [1, 2], "A": [1.0, float("inf")]}, 2, "got 'inf' of A"),
        ({"date": [1, 2], "A": [True, False]}, 1, "got 'True' of A"),
        ({"date": [1, 2], "A": [[1.0], [2.0]]}, 1, "got '[1.0]' of A"),
        ({"date": [1, 2], "A": [b"1", b"x"]}, 1, "of A"),
        ({"A": [1.0, 2.0]}, None, "two columns or more"),
        ({"date": pa.array([], pa.int8()), "A": pa.array([], pa.float64())}, None, "no rows"),
        ({"date": [1, 2], "": [1.0, 2.0]}, None, "column 2 has no name"),
    ],
)
def test_bad_tables_name_their_row(tmp_path, columns, line, words):
    file = write(tmp_path / "bad.parquet", **columns)
    with pytest.raises(ParseError) as caught:
        series_of(file)
    assert words in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_two_columns_of_one_name(tmp_path):
    table = pa.table([[1, 2], [1.0, 2.0], [3.0, 4.0]], names=["date", "A", "A"])
    pq.write_table(table, tmp_path / "p.parquet")
    with pytest.raises(ParseError, match="asset A has two columns"):
        series_of(tmp_path / "p.parquet")


@pytest.mark.parametrize("end", [6, 40, -9])
def test_a_damaged_file(tmp_path, end):
    FRAME.to_parquet(tmp_path / "whole.parquet")
    file = tmp_path / "p.parquet"
    file.write_bytes((tmp_path / "whole.parquet").read_bytes()[:end])
    with pytest.raises(ParseError, match="not a Parquet file that can be read"):
        qopt.load(file, select=1)


def test_without_pyarrow(tmp_path, monkeypatch):
    FRAME.to_parquet(tmp_path / "p.parquet")
    monkeypatch.setattr(parquet, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match="pip install pyarrow"):
        qopt.load(tmp_path / "p.parquet", select=1)
