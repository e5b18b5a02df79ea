"""Estimators of mean and covariance, against those of pandas, scikit-learn and skfolio."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from sklearn.covariance import OAS, LedoitWolf

import qopt
from qopt.errors import InputError, MissingPackageError, UnknownNameError, UsageError
from qopt.problems.portfolio import History, moments_of
from qopt.problems.portfolio.estimators import estimate_moments

RETURNS = np.random.default_rng(3).normal(0.001, 0.02, (30, 4)) @ np.triu(np.ones((4, 4)))


def test_sample():
    found = estimate_moments(RETURNS)
    assert np.allclose(found.mean, RETURNS.mean(axis=0), rtol=1e-12)
    assert np.allclose(found.covariance, np.cov(RETURNS.T), rtol=1e-12)
    assert found.facts == {}


@pytest.mark.parametrize(("name", "model"), [("ledoit-wolf", LedoitWolf), ("oas", OAS)])
def test_shrinkage(name, model):
    found, expected = estimate_moments(RETURNS, name), model().fit(RETURNS)
    assert np.allclose(found.covariance, expected.covariance_, rtol=1e-12)
    assert found.facts["shrinkage"] == pytest.approx(expected.shrinkage_)
    assert 0.0 < found.facts["shrinkage"] < 1.0
    assert (found.mean == estimate_moments(RETURNS).mean).all()


@pytest.mark.parametrize("halflife", [2.0, 11.5])
def test_exponential_weights_are_those_of_pandas(halflife):
    found = estimate_moments(RETURNS, "ewma", halflife)
    weighted = pd.DataFrame(RETURNS).ewm(halflife=halflife)
    assert np.allclose(found.mean, weighted.mean().iloc[-1], rtol=1e-12)
    assert np.allclose(found.covariance, weighted.cov().loc[len(RETURNS) - 1], rtol=1e-12)


def test_a_long_halflife_is_the_sample():
    found, sample = estimate_moments(RETURNS, "ewma", 1e9), estimate_moments(RETURNS)
    assert np.allclose(found.covariance, sample.covariance, rtol=1e-6)
    assert found.facts["effective observations"] == pytest.approx(30)


def test_estimators_of_skfolio():
    moments = pytest.importorskip("skfolio.moments")
    found = estimate_moments(RETURNS, "skfolio:GerberCovariance")
    assert np.allclose(found.covariance, moments.GerberCovariance().fit(RETURNS).covariance_)
    assert found.facts["estimator parameters"]["covariance_estimator__threshold"] == 0.5
    both = estimate_moments(RETURNS, "skfolio:GerberCovariance+ShrunkMu")
    assert (both.covariance == found.covariance).all()
    assert np.allclose(both.mean, moments.ShrunkMu().fit(RETURNS).mu_)
    prior = estimate_moments(RETURNS, "skfolio:EmpiricalPrior")
    assert np.allclose(prior.covariance, np.cov(RETURNS.T))
    shrunk = estimate_moments(RETURNS, "skfolio:LedoitWolf")
    own = estimate_moments(RETURNS, "ledoit-wolf")
    assert shrunk.facts["shrinkage"] == pytest.approx(own.facts["shrinkage"])


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("skfolio:Nonesuch", UnknownNameError, "unknown estimator of skfolio 'Nonesuch'"),
        ("skfolio:OAS+LedoitWolf", UsageError, "two estimators of one thing"),
        ("skfolio:EmpiricalPrior+OAS", UsageError, "two estimators of one thing"),
        ("skfolio:BlackLitterman", UsageError, "needs more than returns"),
        ("skfolio:ImpliedCovariance", InputError, "fails on these returns"),
    ],
)
def test_what_skfolio_cannot_do_is_said_in_one_line(name, fault, words):
    pytest.importorskip("skfolio")
    with pytest.raises(fault, match=words) as caught:
        estimate_moments(RETURNS, name)
    assert "\n" not in str(caught.value)


def test_without_skfolio(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "qopt.problems.portfolio.estimators.find_spec",
        lambda name: None if name == "skfolio" else found(name),
    )
    with pytest.raises(MissingPackageError, match="pip install skfolio"):
        estimate_moments(RETURNS, "skfolio:OAS")


def test_the_estimator_is_told_and_annualised():
    plain, shrunk = qopt.load("sp500-10-k4"), qopt.load("sp500-10-k4", estimator="ledoit-wolf")
    assert "estimator" not in plain.describe()
    assert shrunk.describe()["shrinkage"] > 0.0
    weekly = estimate_moments(shrunk.moments.history.returns, "ledoit-wolf")
    assert np.allclose(shrunk.moments.covariance, 52 * weekly.covariance, rtol=1e-12)
    assert shrunk.reference is None


def test_few_returns_are_told_unless_they_are_shrunk():
    few = History(("1", "2", "3"), RETURNS[:3])
    assert "rank 2 at most" in moments_of(tuple("ABCD"), few).facts["note"]
    shrunk = History(("1", "2", "3"), RETURNS[:3], estimator="oas")
    assert "note" not in moments_of(tuple("ABCD"), shrunk).facts
