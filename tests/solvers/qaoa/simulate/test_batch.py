import threading
from dataclasses import replace

import numpy as np
import pytest

from qopt.errors import SizeError
from qopt.forms import Group, Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.simulate import batch, expectations, open_simulator, reference


def drawn(count, seed=0):
    """Sets of one to four layers."""
    generator = np.random.default_rng(seed)
    return [
        Angles.split(generator.normal(size=2 * generator.integers(1, 5))) for _ in range(count)
    ]


@pytest.fixture
def ansatz_of(random_qubo):
    def make(kind, n):
        if kind in ("ring", "complete", "grover"):
            model = random_qubo(n)
            groups = (Group((0, 2, 3), 1), Group((1, 4), 1))
            return Ansatz.of(Qubo(model.linear, model.row, model.col, model.value, groups=groups),
                             kind)
        plain = Ansatz(Cost.of(random_qubo(n)))
        return plain if kind == "x" else replace(plain, tilts=np.linspace(0.3, 2.0, n))

    return make


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize(
    ("kind", "n"),
    [("x", 5), ("x", 13), ("x", 14), ("tilted", 5), ("tilted", 13), ("ring", 6), ("grover", 6)],
)
def test_values_are_those_of_single_evaluations(ansatz_of, kind, n, threads, precision):
    ansatz, many = ansatz_of(kind, n), drawn(7)
    simulator = open_simulator(ansatz, threads, precision)
    found = expectations(ansatz, many, threads, precision)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [simulator.expectation(angles) for angles in many])


def test_values_are_those_of_the_textbook(random_qubo):
    cost, many = Cost.of(random_qubo(6)), drawn(5)
    expected = [
        np.abs(reference.state(Ansatz(cost, angles))) ** 2 @ reference.diagonal(cost)
        for angles in many
    ]
    np.testing.assert_allclose(expectations(Ansatz(cost), many, 2), expected, atol=1e-12)


@pytest.mark.parametrize(("n", "opened"), [(6, [1, 1, 1]), (14, [3])])
def test_small_registers_take_one_thread_a_set(random_qubo, monkeypatch, n, opened):
    found, lock = [], threading.Lock()

    def spy(ansatz, threads, precision):
        with lock:
            found.append(threads)
        return open_simulator(ansatz, threads, precision)

    monkeypatch.setattr(batch, "open_simulator", spy)
    expectations(Ansatz(Cost.of(random_qubo(n))), drawn(6), threads=3)
    assert found == opened


def test_no_more_threads_than_sets(random_qubo):
    ansatz = Ansatz(Cost.of(random_qubo(4)))
    assert expectations(ansatz, [], threads=4).shape == (0,)
    assert expectations(ansatz, drawn(1), threads=4).shape == (1,)


def test_a_register_that_does_not_fit_is_refused():
    with pytest.raises(SizeError, match="at most"):
        expectations(Ansatz(Cost.of(Qubo.from_arrays(np.ones(40)))), drawn(2), threads=2)
