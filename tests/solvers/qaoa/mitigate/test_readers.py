"""Reading the shots as they are, those that keep the groups, and the lowest."""

import numpy as np
import pytest

from qopt.errors import SolverError
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.devices import Samples
from qopt.solvers.qaoa.mitigate.cvar import Tail
from qopt.solvers.qaoa.mitigate.observable import Observable
from qopt.solvers.qaoa.mitigate.shots import Plain
from qopt.solvers.qaoa.mitigate.symmetry import PostSelection

MODEL = Qubo.from_arrays([1.0, 2.0, 4.0], groups=[Group((0, 1, 2), 1)])
BITS = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=np.int8)
OBSERVABLE = Observable.of(MODEL, Ansatz.of(MODEL, "ring"))


def test_the_plain_mean():
    reading = Plain(OBSERVABLE).read(Samples(BITS), [])
    assert reading.mean == pytest.approx((1 + 2 + 7 + 4 + 0) / 5)
    assert reading.error == pytest.approx(np.std([1, 2, 7, 4, 0], ddof=1) / np.sqrt(5))


def test_shots_of_one_trajectory_are_counted_once():
    alike = Plain(OBSERVABLE).read(Samples(BITS, 2, np.array([0, 0, 0, 1, 1])), [])
    assert alike.error != Plain(OBSERVABLE).read(Samples(BITS), []).error


def test_only_shots_that_keep_the_groups():
    reading = PostSelection(OBSERVABLE, MODEL).read(Samples(BITS), [])
    assert reading.mean == pytest.approx((1 + 2 + 4) / 3)
    assert reading.details == {"kept_shots": 0.6}
    with pytest.raises(SolverError, match="none of 2 shots kept the groups"):
        PostSelection(OBSERVABLE, MODEL).read(Samples(BITS[[2, 4]]), [])


@pytest.mark.parametrize(
    ("alpha", "lower", "upper"), [(0.4, 0.5, 5.5), (0.2, 0.0, 7.0), (1.0, 2.8, 2.8),
                                  (0.01, 0.0, 7.0), (0.3, 1 / 3, 6.0)]
)
def test_the_tails(alpha, lower, upper):
    reading = Tail(OBSERVABLE, alpha).read(Samples(BITS), [])
    assert reading.mean == pytest.approx(lower)
    assert reading.details["upper"] == pytest.approx(upper)


def test_the_error_bar_of_a_tail():
    model = Qubo.from_arrays(np.arange(1.0, 9.0))
    tail = Tail(Observable.of(model, Ansatz.of(model, "x")), 0.3)
    generator = np.random.default_rng(0)
    readings = [
        tail.read(Samples(generator.integers(0, 2, (500, 8)).astype(np.int8)), [])
        for _ in range(300)
    ]
    spread = np.std([reading.mean for reading in readings])
    assert np.mean([reading.error for reading in readings]) == pytest.approx(spread, rel=0.15)
