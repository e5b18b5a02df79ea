"""Tables of prices, returns, means, covariances and sectors, good and bad."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import ParseError
from qopt.problems.formats import tabular
from qopt.problems.formats.tabular import read_series, read_table

DATA = Path(__file__).parent.parent / "data" / "portfolio"


def table_of(tmp_path, text):
    file = tmp_path / "table.csv"
    file.write_text(text)
    return read_table(file)


# -- good -----------------------------------------------------------------------------------------


def test_wide_with_mark_comment_semicolons_quotes_gaps_and_descending_dates():
    series = read_series(read_table(DATA / "prices_wide.csv"), "prices")
    assert series.assets == ("AAPL", "BRK;B")
    assert series.times == ("2020-01-03", "2020-01-10", "2020-01-17", "2020-01-24")
    nan = np.nan
    assert np.array_equal(
        series.values, [[80, 40], [100, nan], [110, nan], [120, 50]], equal_nan=True
    )


def test_long_in_any_order_of_columns_and_rows():
    series = read_series(read_table(DATA / "prices_long.tsv"), "prices")
    assert series.assets == ("A", "B")
    assert series.times == ("2020-01", "2020-02", "2020-03", "2020-04")
    assert np.array_equal(
        series.values, [[10, 5], [11, 6], [12.1, np.nan], [9, 7.5]], equal_nan=True
    )


@pytest.mark.parametrize(
    "dates",
    [
        ["2020-01-31", "2020-02-03", "2020-10-01"],
        ["2020/1/31", "2020/2/3", "2020/10/1"],
        ["20200131", "20200203", "20201001"],
        ["2020-01-31 16:00:00", "2020-02-03T16:00:00+00:00", "2020-10-01"],
        ["T2", "T10", "T11"],
        ["9", "10", "11"],
    ],
)
def test_dates_are_sorted_as_dates(tmp_path, dates):
    text = "date,A\n" + "".join(f"{dates[i]},{i + 1}\n" for i in (2, 0, 1))
    series = read_series(table_of(tmp_path, text), "prices")
    assert list(series.times) == dates
    assert series.values[:, 0].tolist() == [1.0, 2.0, 3.0]


def test_means_and_labels_and_matrix():
    assert tabular.read_means(read_table(DATA / "means.csv"))[0] == ("A", "B")
    assert tabular.read_means(read_table(DATA / "means.csv"))[1].tolist() == [0.01, -0.002]
    names, matrix = tabular.read_matrix(read_table(DATA / "covariance.csv"))
    assert names == ("B", "A")
    assert matrix.tolist() == [[0.09, 0.001], [0.001, 0.04]]
    labels = tabular.read_labels(read_table(DATA / "sectors.csv"), "sector")
    assert labels == {"A": "Energy", "B": "Health Care", "C": "Energy"}


@pytest.mark.parametrize(
    ("text", "names"), [("A,B\n1,2\n2,5\n", ("A", "B")), ("1,2\n2,5\n", None)]
)
def test_matrix_without_row_names(tmp_path, text, names):
    found, matrix = tabular.read_matrix(table_of(tmp_path, text))
    assert found == names
    assert matrix.tolist() == [[1.0, 2.0], [2.0, 5.0]]


def test_numeric_tickers(tmp_path):
    series = read_series(table_of(tmp_path, "date,600519,700\n2020-01-01,1,2\n"), "prices")
    assert series.assets == ("600519", "700")


@given(
    values=st.lists(
        st.lists(
            st.one_of(st.none(), st.floats(1e-300, 1e300)), min_size=3, max_size=3
        ), min_size=1, max_size=6,
    ),
    gap=st.sampled_from(sorted(tabular.MISSING)),
    end=st.sampled_from(["\n", "\r\n"]),
    separator=st.sampled_from(",;\t"),
)
@settings(max_examples=60, deadline=None)
def test_wide_tables_keep_every_digit(tmp_path_factory, values, gap, end, separator):
    rows = [["date", "A", "B", "C"]]
    for t, row in enumerate(values):
        rows.append([f"2020-01-{t + 1:02}", *(gap if v is None else repr(v) for v in row)])
    file = tmp_path_factory.mktemp("wide") / "prices.csv"
    file.write_bytes("".join(separator.join(row) + end for row in rows).encode())
    series = read_series(read_table(file), "prices")
    expected = np.array([[np.nan if v is None else v for v in row] for row in values])
    assert np.array_equal(series.values, expected, equal_nan=True)


def test_returns_may_be_negative(tmp_path):
    table = table_of(tmp_path, "date,A,B\n2020-01-01,-.5,-1\n2020-01-02,0,2\n")
    assert read_series(table, "returns").values.tolist() == [[-0.5, -1.0], [0.0, 2.0]]


# -- bad ------------------------------------------------------------------------------------------

BAD = [
    ("prices_ragged.csv", 3, "2 cells, the header has 3 (the last line"),
    ("prices_long_row.csv", 3, "4 cells, the header has 3"),
    ("prices_word.csv", 3, "finite number was expected, got 'two' of B"),
    ("prices_zero.csv", 3, "price 0 of A is not above 0"),
    ("prices_negative.csv", 3, "values=returns"),
    ("prices_infinite.csv", 3, "finite number was expected, got 'inf'"),
    ("prices_overflow.csv", 3, "1e999 of A is too large"),
    ("prices_decimal_comma.csv", 2, "write decimals with a point"),
    ("prices_twice.csv", 1, "asset A has two columns"),
    ("prices_nameless.csv", 1, "column 3 has no name"),
    ("prices_date_twice.csv", 3, "given a second time, first on line 2"),
    ("prices_date_order.csv", 3, "got '31/01/2020'"),
    ("prices_mixed_dates.csv", 3, "one kind of period number"),
    ("prices_no_rows.csv", 1, "a header and no rows"),
    ("prices_nothing.csv", None, "no table"),
    ("prices_long_twice.csv", 3, "A on 2020-01-01 is given a second time, first on line 2"),
    ("prices_long_nameless.csv", 3, "the asset has no name"),
    ("prices_binary.csv", None, "not a text file"),
    ("prices_no_header.csv", 2, "no table of prices"),
]


@pytest.mark.parametrize(("name", "line", "words"), BAD, ids=[name for name, _, _ in BAD])
def test_bad_files_name_their_line(name, line, words):
    with pytest.raises(ParseError) as caught:
        read_series(read_table(DATA / "bad" / name), "prices")
    assert words in str(caught.value)
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("read", "text", "line", "words"),
    [
        (tabular.read_means, "asset,mean\nA,nan\n", 2, "'nan' as mean of A"),
        (tabular.read_means, "asset,mean\nA,\n", 2, "''"),
        (tabular.read_means, "asset,mean\nA,1\nA,1\n", 3, "second time"),
        (tabular.read_means, "asset,mean\n,1\n", 2, "no name"),
        (tabular.read_matrix, ",A,B\nA,1,0\n", 2, "1 rows and 2 columns"),
        (tabular.read_matrix, ",A,B\nA,1,0\nA,0,1\n", 3, "row A is given a second time"),
        (tabular.read_matrix, ",A,B\nA,1,0\nC,0,1\n", 3, "'C' is none of the columns"),
        (tabular.read_matrix, ",A,B\nA,1,0\nB,0,NaN\n", 3, "'NaN' in column B"),
        (tabular.read_matrix, "A,B\n1,0\n0,x\n", 3, "'x' in column B"),
    ],
)
def test_bad_means_and_matrices(tmp_path, read, text, line, words):
    with pytest.raises(ParseError, match=r"table\.csv") as caught:
        read(table_of(tmp_path, text))
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("asset,sector\nA,x\nA,y\n", 3, "second time"),
        ("asset,sector\nA,\n", 2, "an asset and its sector"),
        ("asset,sector,weight\nA,x,1\n", 1, "two columns, asset and sector"),
    ],
)
def test_bad_labels(tmp_path, text, line, words):
    with pytest.raises(ParseError) as caught:
        tabular.read_labels(table_of(tmp_path, text), "sector")
    assert words in str(caught.value)
    assert caught.value.line == line


def test_a_loss_of_more_than_everything(tmp_path):
    with pytest.raises(ParseError, match=r"1 % is 0\.01"):
        read_series(table_of(tmp_path, "date,A\n2020-01-01,-1.5\n"), "returns")


def test_a_percentage(tmp_path):
    with pytest.raises(ParseError, match=r"got '2\.5%' of B; write percentages as fractions"):
        read_series(table_of(tmp_path, "date,A,B\n2020-01-01,0.1,2.5%\n"), "returns")


# -- telling files apart --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("date,A,B\n2020-01-01,1,2\n", True),
        ("\ufeffDate;A\n2020-01-01;1\n", True),
        (",A,B\n2020-01-01,,2\n", True),
        ("INDEX,S1,S2\nT1,1,2\nT2,1,2\n", True),
        ("week,A,B\n1,10,20\n", True),
        ("date,ticker,close\n2020-01-01,A,1\n", True),
        ("asset,mean\nA,.1\n", True),
        ("asset,mean\nF001,.1\n", True),
        ("ticker,return\n600519,.1\n", True),
        (",A,B\nA,1,0\nB,0,1\n", True),
        (",A,B\nB,0,1\nA,1,0\n", True),
        ("date,A,B", True),
        ("source,target,weight\n1,2,0.5\n", False),
        ("source,target\nv1,v2\n", False),
        ("1,2,0.5\n2,3,0.5\n", False),
        ("name,age\nA,7\n", False),
        ("NAME : burma14\nTYPE : TSP\n", False),
        ("800 19176\n1 2 1\n", False),
        ('{"a": 1,\n "b": 2}', False),
        ("\\ problem\nMinimize\n obj: x, y\n", False),
        ("", False),
        ("#\n", False),
    ],
)
def test_recognises(text, known):
    assert tabular.recognises("file", text) is known


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("date;A;B\n2020-01-01;1,5;2,5\n", 2, "write decimals with a point"),
        ("date;A;B\n2020-01-01;1.001,5;2,5\n", 2, "write decimals with a point"),
        ("Date,A,B\n2020-01-01,1%,2%\n", 2, "1 % is 0.01"),
        ("date,A,B\n03/01/2022,1,2\n04/01/2022,1,2\n", 2, "write dates as year-month-day"),
        (",A,B\n3.1.22,1,2\n4.1.22,1,2\n", 2, "write dates as year-month-day"),
    ],
)
def test_a_table_of_dates_that_is_written_otherwise_tells_how_to_mend_it(
    tmp_path, text, line, words
):
    file = tmp_path / "prices.csv"
    file.write_text(text)
    with pytest.raises(ParseError, match=f"prices.csv:{line}: .*{words}"):
        qopt.load(file, select=1)


def test_a_head_that_ends_within_a_row_is_recognised():
    header = "date," + ",".join(f"A{i}" for i in range(600))
    rows = "\n2020-01-01," + ",".join(["123.5"] * 600)
    for size in (2000, 3000, 4096, 6000):
        assert tabular.recognises("prices.csv", (header + rows)[:size])


@pytest.mark.parametrize("ticker", ["F001", "T1", "700", "2020-01"])
def test_tickers_that_look_like_periods_are_assets(tmp_path, ticker):
    table = table_of(tmp_path, f"asset,mean\n{ticker},0.1\nB,0.2\n")
    assert tabular.table_layout(table) == "mean"
    assert tabular.read_means(table)[0] == (ticker, "B")
    matrix = table_of(tmp_path, f"asset,{ticker},B\n{ticker},2,1\nB,1,3\n")
    assert tabular.read_matrix(matrix)[0] == (ticker, "B")


def test_periods_of_one_asset_are_still_periods(tmp_path):
    assert tabular.table_layout(table_of(tmp_path, "week,return\nT1,0.1\n")) == "wide"
    assert tabular.table_layout(table_of(tmp_path, "index,A\nT1,0.1\n")) == "wide"


# -- without dates --------------------------------------------------------------------------------


def test_a_matrix_of_returns_without_dates(tmp_path):
    table = table_of(tmp_path, "A,B\n-.5,1e-3\n0.25,n/a\n0,2\n")
    series = read_series(table, "returns")
    assert (series.assets, series.times) == (("A", "B"), ("1", "2", "3"))
    expected = [[-0.5, 0.001], [0.25, np.nan], [0, 2]]
    assert np.array_equal(series.values, expected, equal_nan=True)
    assert not tabular.recognises("file", "A,B\n-.5,1e-3\n")


def test_whole_prices_of_a_first_asset_are_not_taken_for_periods(tmp_path):
    with pytest.raises(ParseError, match="'A' holds whole numbers that do not count on"):
        read_series(table_of(tmp_path, "A,B\n100,50\n103,51\n101,52\n"), "prices")
    counted = read_series(table_of(tmp_path, "no,B\n3,50\n2,51\n1,52\n"), "prices")
    assert counted.times == ("1", "2", "3")
    named = read_series(table_of(tmp_path, "week,B\n1,50\n7,51\n"), "prices")
    assert named.assets == ("B",)


def test_a_covariance_without_row_names_is_no_series(tmp_path):
    table = table_of(tmp_path, "A,B\n1.5,.5\n.5,1.5\n")
    with pytest.raises(ParseError, match="covariance=table"):
        read_series(table, "prices")
