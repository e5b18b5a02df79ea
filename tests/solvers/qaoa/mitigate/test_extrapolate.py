import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import UsageError
from qopt.solvers.qaoa.mitigate.extrapolate import extrapolate

FACTORS = (1.0, 3.0, 5.0)
SOME = (0.1, 0.2, 0.15)


@settings(deadline=None, max_examples=30)
@given(
    st.floats(-10.0, 10.0), st.floats(0.01, 10.0), st.floats(0.0, 1.0), st.sampled_from([-1, 1])
)
def test_an_exponential_decay_is_found(end, height, rate, sign):
    means = [end + sign * height * np.exp(-rate * x) for x in FACTORS]
    found = extrapolate(FACTORS, means, SOME, "exponential", asymptote=end)
    assert found.value == pytest.approx(end + sign * height, rel=1e-6, abs=1e-6)
    assert found.method == "exponential"


@pytest.mark.parametrize("errors", [SOME, (None,) * 3, (0.0,) * 3])
def test_lines_and_polynomials_are_found(errors):
    line = [2.0 - 0.3 * x for x in FACTORS]
    assert extrapolate(FACTORS, line, errors, "linear").value == pytest.approx(2.0)
    curve = [2.0 - 0.3 * x + 0.05 * x * x for x in FACTORS]
    assert extrapolate(FACTORS, curve, errors, "richardson").value == pytest.approx(2.0)
    assert extrapolate(FACTORS, curve, errors, "linear").value != pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("how", ["linear", "exponential", "richardson"])
def test_the_error_bar_is_the_spread_of_the_value(how):
    means = np.array([-3.0, -2.0, -1.5])
    errors = np.array([0.01, 0.02, 0.01])
    told = extrapolate(FACTORS, means, errors.tolist(), how)
    generator = np.random.default_rng(0)
    values = [
        extrapolate(FACTORS, means + errors * generator.normal(size=3), errors.tolist(), how).value
        for _ in range(3000)
    ]
    assert told.standard_error == pytest.approx(np.std(values), rel=0.06)
    assert extrapolate(FACTORS, means, [None] * 3, how).standard_error is None


def test_trusted_means_weigh_more():
    means = (1.0, 2.0, 2.0)
    found = extrapolate(FACTORS, means, (0.001, 0.001, 10.0), "linear")
    assert found.value == pytest.approx(0.5, abs=1e-3)


def test_no_exponential_through_its_own_end():
    found = extrapolate(FACTORS, (1.0, 0.5, -0.1), SOME, "exponential")
    assert found.method.startswith("linear, for the means lie on both sides")
    assert found.value == extrapolate(FACTORS, (1.0, 0.5, -0.1), SOME, "linear").value


@pytest.mark.parametrize("factors", [(1.0,), (1.0, 1.0)])
def test_factors_must_differ(factors):
    with pytest.raises(UsageError, match="at least two factors"):
        extrapolate(factors, [0.0] * len(factors), [None] * len(factors), "linear")
