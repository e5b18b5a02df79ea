"""Means and covariances: what is refused, what is rounding, and how prices become them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UsageError
from qopt.problems.formats.tabular import Series
from qopt.problems.portfolio import Moments
from qopt.problems.portfolio.estimate import estimate

AB = ("A", "B")


def series(values, assets=AB):
    values = np.array(values, dtype=float)
    return Series(assets, tuple(f"2020-01-{t + 1:02}" for t in range(len(values))), values)


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "covariance", "words"),
    [
        ([0, np.nan], np.eye(2), "mean return of B is nan"),
        ([0, np.inf], np.eye(2), "mean return of B is inf"),
        ([0, 0], [[1, np.nan], [np.nan, 1]], "covariance of A and B is nan"),
        ([0, 0], [[1, 0], [0, -0.5]], "variance of B is -0.5"),
        ([0, 0], [[1, 0.2], [0.1, 1]], "not symmetric: A and B have 0.2 and 0.1"),
        ([0, 0], [[1, 1.5], [1.5, 1]], "correlation is not between -1 and 1"),
        ([0, 0], [[0, 0.1], [0.1, 1]], "correlation is not between -1 and 1"),
        ([0], np.eye(2), r"shape \(2,\)"),
        ([0, 0], np.eye(3), r"shape \(2, 2\)"),
    ],
)
def test_refused(mean, covariance, words):
    with pytest.raises(InputError, match=words):
        Moments(AB, np.array(mean, dtype=float), np.array(covariance, dtype=float))


def test_names():
    with pytest.raises(InputError, match="asset A is given twice"):
        Moments(("A", "A"), np.zeros(2), np.eye(2))
    with pytest.raises(InputError, match="at least one asset"):
        Moments((), np.zeros(0), np.zeros((0, 0)))


INDEFINITE = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])


def test_an_indefinite_covariance_names_the_eigenvalue_and_the_cure():
    with pytest.raises(InputError) as caught:
        Moments(("A", "B", "C"), np.zeros(3), INDEFINITE)
    message = str(caught.value)
    assert "most negative eigenvalue is -0.8 beside a largest of 1.9" in message
    cure = float(message.partition("adding ")[2].split()[0])
    Moments(("A", "B", "C"), np.zeros(3), INDEFINITE + cure * np.eye(3))


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_rounding_is_no_fault_at_any_scale(scale):
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(6, 2))
    covariance = scale * spread @ spread.T  # rank 2: four eigenvalues are 0, some a little below
    covariance[0, 1] += 1e-9 * scale
    moments = Moments(tuple("ABCDEF"), np.zeros(6), covariance)
    assert np.array_equal(moments.covariance, moments.covariance.T)


def test_a_riskless_asset_is_fine():
    Moments(AB, np.zeros(2), np.diag([0.0, 1.0]))
    Moments(AB, np.zeros(2), np.zeros((2, 2)))


def test_arrays_are_copies_and_read_only():
    given_mean = np.zeros(2)
    moments = Moments(AB, given_mean, np.eye(2))
    given_mean[0] = 5.0
    assert moments.mean[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        moments.covariance[0, 0] = 2.0


def test_take_and_over():
    moments = Moments(("A", "B", "C"), np.array([1.0, 2.0, 3.0]), np.diag([1.0, 4.0, 9.0]))
    part = moments.take([2, 0]).over(52)
    assert part.assets == ("C", "A")
    assert part.mean.tolist() == [156.0, 52.0]
    assert part.covariance.tolist() == [[468.0, 0.0], [0.0, 52.0]]


# -- from prices ----------------------------------------------------------------------------------


@given(
    prices=st.lists(
        st.lists(st.floats(0.5, 2.0), min_size=3, max_size=3), min_size=4, max_size=9
    ),
)
@settings(max_examples=40, deadline=None)
def test_sample_moments_are_those_of_numpy(prices):
    moments = estimate(series(prices, tuple("ABC")), "prices", missing="error", lookback=None)
    values = np.array(prices)
    returns = values[1:] / values[:-1] - 1
    assert np.allclose(moments.mean, returns.mean(axis=0), atol=1e-14)
    assert np.allclose(moments.covariance, np.cov(returns.T), atol=1e-13)
    again = estimate(series(returns, tuple("ABC")), "returns", missing="error", lookback=None)
    assert np.array_equal(again.mean, moments.mean)


def test_dates_without_a_price_are_left_out():
    nan = np.nan
    moments = estimate(
        series([[nan, 1], [1, 1], [2, nan], [4, 2], [6, 2]]), "prices", missing="drop-dates",
        lookback=None,
    )
    assert moments.mean.tolist() == [(3 + 0.5) / 2, (1 + 0) / 2]
    assert moments.facts["missing values"] == (
        "dates without a price of every asset are left out: 2 of 5"
    )
    assert (moments.facts["from"], moments.facts["to"]) == ("2020-01-02", "2020-01-05")
    assert moments.facts["observations"] == 2


def test_prices_carried_forward():
    nan = np.nan
    moments = estimate(
        series([[nan, 1], [1, 1], [2, nan], [4, 2]]), "prices", missing="forward-fill",
        lookback=None,
    )
    assert moments.mean.tolist() == [1.0, 0.5]
    assert moments.facts["missing values"] == (
        "the last price is carried forward: 1 value filled; 1 date before an asset's first price "
        "left out"
    )


def test_lookback_takes_the_last_returns():
    prices = [[1, 1], [8, 9], [1, 2], [2, 2], [3, 3]]
    moments = estimate(series(prices), "prices", missing="drop-dates", lookback=2)
    assert moments.mean.tolist() == [0.75, 0.25]
    assert (moments.facts["from"], moments.facts["observations"]) == ("2020-01-03", 2)


def test_few_returns_are_noted():
    few = estimate(series([[1, 1], [2, 1], [3, 2]]), "prices", missing="error", lookback=None)
    assert "2 returns of 2 assets" in few.facts["note"]
    enough = estimate(
        series([[1, 1], [2, 1], [3, 2], [3, 1]]), "prices", missing="error", lookback=None
    )
    assert "note" not in enough.facts


@pytest.mark.parametrize(
    ("values", "quantity", "rule", "lookback", "fault", "words"),
    [
        ([[1, 1], [2, 2]], "prices", "drop-dates", None, InputError, "2 dates with prices of"),
        ([[1, 1]], "returns", "drop-dates", None, InputError, "1 date with returns of every"),
        ([[1, 1]] * 4, "prices", "drop-dates", 4, InputError, "more than the 3 returns"),
        ([[1, 1]] * 4, "prices", "drop-dates", 1, UsageError, "lookback must be at least 2"),
        ([[1, np.nan]] * 4, "prices", "drop-dates", None, InputError, "B has no value on 4 of 4"),
        ([[1, np.nan]] * 4, "prices", "forward-fill", None, InputError, "B has no value on 4 of 4"),
        ([[1, 1], [1, np.nan]] * 2, "prices", "error", None, InputError, "2 values are missing, the"
         " first of B on 2020-01-02"),
        ([[1, 1]] * 4, "returns", "forward-fill", None, UsageError, "carries prices forward"),
        ([[1e-300, 1], [1e300, 1], [1, 1]], "prices", "error", None, InputError, "must be finite"),
    ],
)
def test_refused_series(values, quantity, rule, lookback, fault, words):
    with pytest.raises(fault, match=words):
        estimate(series(values), quantity, missing=rule, lookback=lookback)


def test_thousands_of_gaps_name_the_worst_asset():
    values = np.full((3000, 2), np.nan)
    values[:, 0] = 1.0
    values[1500:, 0] = np.nan
    values[10, 1] = 1.0
    with pytest.raises(InputError, match=r"1 date with prices .* B has no value on 2999 of 3000"):
        estimate(
            Series(AB, tuple(map(str, range(3000))), values), "prices", missing="drop-dates",
            lookback=None,
        )
