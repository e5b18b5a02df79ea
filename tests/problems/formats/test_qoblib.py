"""Prices and covariances over time as QOBLIB writes them, good and bad."""

import gzip
from fractions import Fraction

import pytest

import qopt
from qopt.errors import InputError, ParseError
from qopt.problem import fingerprint
from qopt.problems.formats import qoblib

PRICES = "# a comment\n\n0 A 1.5e2\r\n0\tB 10\n1 B 11.25\n1 A .5\n"
COVARIANCES = "0 A A 1e-4\n0 A B -2e-5\n0 B A -2e-5\n0 B B 0.0003\n" + (
    "1 A A 1e-4\n1 B A 0\n1 B B 0.0003\n"
)


def write(folder, prices=PRICES, covariances=COVARIANCES, pack=False):
    for name, text in (("stock_prices.txt", prices), ("covariance_matrices.txt", covariances)):
        if pack:
            with gzip.open(folder / f"{name}.gz", "wt") as stream:
                stream.write(text)
        else:
            (folder / name).write_bytes(text.encode())
    return folder / ("stock_prices.txt.gz" if pack else "stock_prices.txt")


def test_numbers_are_exact_and_lines_in_any_order(tmp_path):
    table = qoblib.read_prices(write(tmp_path))
    assert table.symbols == ("A", "B")
    assert table.prices == (
        (Fraction(150), Fraction(10)), (Fraction(1, 2), Fraction(45, 4)),
    )
    found = qoblib.read_covariances(tmp_path / "covariance_matrices.txt", table.symbols, 2)
    assert found[0][0] == (Fraction(1, 10_000), Fraction(-1, 50_000))
    assert found[1][0][1] == found[1][1][0] == 0


def test_compressed_files_are_the_same_instance(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "packed").mkdir()
    plain = qopt.load(write(tmp_path / "plain"), budget=2)
    packed = qopt.load(write(tmp_path / "packed", pack=True), budget=2)
    assert (plain.kind, plain.name, packed.name) == ("multiperiod", "plain", "packed")
    assert fingerprint(plain) == fingerprint(packed)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("0 A 1\n0 B\n", 2, "'day symbol price' was expected, got '0 B'"),
        ("0 A 1\n0 A 2\n", 2, "price of A on day 0 is given twice"),
        ("0 A 0\n", 1, "price 0 of A is not above 0"),
        ("0 A -1\n", 1, "not above 0"),
        ("0 A nan\n", 1, "finite number was expected, got 'nan'"),
        ("0 A 1/2\n", 1, "finite number was expected"),
        ("0 A 1e9999\n", 1, "finite number was expected"),
        ("x A 1\n", 1, "a day that counts from 0"),
        ("-1 A 1\n", 1, "a day that counts from 0"),
        ("0 A 1\n1 B 1\n", None, "there is no price of B on day 0"),
        ("0 A 1\n2 A 1\n", None, "cannot fill the days 0 to 2"),
        ("0 A 1\n0 B 1\n2 A 1\n", None, "there is no price of A on day 1"),
        ("# nothing\n", None, "no prices"),
    ],
)
def test_bad_prices(tmp_path, text, line, words):
    with pytest.raises(ParseError) as caught:
        qoblib.read_prices(write(tmp_path, text))
    assert words in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("0 A A 1 1\n", 1, "'day symbol symbol covariance' was expected"),
        ("2 A A 1\n", 1, "day 2 has no prices; they end on day 1"),
        ("0 A C 1\n", 1, "C has no prices"),
        ("0 A A -1\n", 1, "variance -1 of A is negative"),
        ("0 A B 1\n0 A B 1\n", 2, "given twice"),
        ("0 A B 1\n0 B A 2\n", 2, "in the other order"),
        ("0 A A 1\n0 B B 1\n", None, "no covariance of A and B on day 0"),
    ],
)
def test_bad_covariances(tmp_path, text, line, words):
    write(tmp_path, covariances=text)
    with pytest.raises(ParseError) as caught:
        qoblib.read_covariances(tmp_path / "covariance_matrices.txt", ("A", "B"), 2)
    assert words in str(caught.value)
    assert caught.value.line == line


def test_damaged_and_missing_files(tmp_path):
    file = write(tmp_path, pack=True)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ParseError, match="not a file that can be read"):
        qopt.load(file, budget=2)
    file.write_bytes(gzip.compress(b"\xff\xfe\xff"))
    with pytest.raises(ParseError, match="not a text file"):
        qopt.load(file, budget=2)
    with pytest.raises(InputError, match=r"give the stock_prices\.txt beside it"):
        qopt.load(tmp_path / "covariance_matrices.txt.gz", budget=2)
    (tmp_path / "covariance_matrices.txt.gz").unlink()
    file.write_bytes(gzip.compress(PRICES.encode()))
    with pytest.raises(InputError, match="no covariance_matrices"):
        qopt.load(file, budget=2)
