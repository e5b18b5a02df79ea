import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.fixed_angles import fixed_angles
from qopt.solvers.qaoa.simulate import StoppedError, reference
from qopt.solvers.qaoa.simulate.mps import MatrixProductState
from qopt.solvers.qaoa.simulate.statevector import Statevector

ANGLES = Angles((0.3, 0.5), (-0.5, -0.3))


def random_cost(n: int, seed: int, density: float) -> Cost:
    generator = np.random.default_rng(seed)
    row, col = np.triu_indices(n, 1)
    value = generator.normal(size=len(row)) * (generator.random(len(row)) < density)
    return Cost.of(Qubo.from_arrays(generator.normal(size=n), row, col, value))


@given(st.integers(1, 6), st.integers(0, 2**31), st.sampled_from([0.0, 0.4, 1.0]))
@settings(max_examples=25, deadline=None)
def test_every_amplitude_with_a_sufficient_bond(n, seed, density):
    generator = np.random.default_rng(seed)
    angles = Angles.split(generator.uniform(-1.5, 1.5, 4))
    ansatz = Ansatz(random_cost(n, seed, density), angles)
    state = MatrixProductState(ansatz, 8)
    assert state.truncation == 0.0
    assert state.fidelity == pytest.approx(1.0)
    # The gates leave out what the reference may count as a global phase: nothing.
    np.testing.assert_allclose(state.amplitudes(), reference.state(ansatz), atol=1e-10)


@pytest.mark.parametrize("bond", [2, 6, 12])
def test_what_is_discarded_is_told(bond):
    ansatz = Ansatz(random_cost(10, 5, 0.5), ANGLES)
    state = MatrixProductState(ansatz, bond)
    amplitudes = state.amplitudes()
    overlap = abs(np.vdot(amplitudes, Statevector(ansatz.cost).state(ansatz.angles))) ** 2
    assert state.reached == bond
    assert np.linalg.norm(amplitudes) == pytest.approx(1.0)
    assert 0.0 < overlap < 1.0
    # The product of kept shares is an estimate: errors of different cuts are nearly orthogonal.
    assert state.fidelity == pytest.approx(overlap, abs=0.1)
    assert state.truncation >= 1.0 - state.fidelity


def test_a_larger_bond_discards_less():
    ansatz = Ansatz(random_cost(10, 5, 0.5), ANGLES)
    errors = [MatrixProductState(ansatz, bond).truncation for bond in (2, 4, 8, 16, 32)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0.0


def test_shots_are_those_of_the_amplitudes():
    ansatz = Ansatz(random_cost(5, 3, 1.0), ANGLES)
    shots = 20_000
    bits = MatrixProductState(ansatz, 8).sample(shots, np.random.default_rng(1))
    shares = np.bincount(bits @ (1 << np.arange(5)), minlength=32) / shots
    exact = np.abs(reference.state(ansatz)) ** 2
    np.testing.assert_array_less(np.abs(shares - exact), 5 * np.sqrt(exact / shots))


def test_a_symmetric_dense_cost_needs_a_small_bond():
    # States of 24 qubits that no permutation changes have Schmidt rank 13 at most.
    n = 24
    row, col = np.triu_indices(n, 1)
    cost = Cost.of(Qubo.from_arrays(np.zeros(n), row, col, np.ones(len(row))))
    state = MatrixProductState(Ansatz(cost, Angles((0.1, 0.2), (-0.4, -0.2))), 64)
    assert state.truncation == 0.0
    assert state.reached <= 2 * 13  # within a layer one qubit is out of line


@pytest.mark.parametrize(("graph", "bond", "most_lost"), [
    (nx.cycle_graph(60), 4, 1e-12),
    (nx.convert_node_labels_to_integers(nx.grid_2d_graph(6, 10)), 64, 1e-12),
    (nx.random_regular_graph(3, 60, seed=1), 64, 0.2),
], ids=["ring", "grid", "cubic"])
def test_mean_energy_of_sixty_qubits_is_that_of_the_closed_form(graph, bond, most_lost):
    row, col = np.array(graph.edges).T
    degrees = np.bincount(np.append(row, col)).astype(float)
    cost = Cost.of(Qubo.from_arrays(-degrees, row, col, np.full(len(row), 2.0)))
    gamma, beta = 0.308, -np.pi / 8.0
    state = MatrixProductState(Ansatz(cost, Angles((gamma,), (beta,))), bond)
    spins = 1 - 2 * state.sample(4000, np.random.default_rng(2)).astype(np.int64)
    values = (spins[:, cost.ising.row] * spins[:, cost.ising.col]) @ cost.ising.J
    error = values.std() / np.sqrt(len(values))
    expected = SingleLayer(cost).value(gamma, beta)
    # Where something is cut off, the energy suffers by less than that share.
    lost = 1.0 - state.fidelity
    assert lost < most_lost
    assert abs(values.mean() - expected) < 5.0 * error + max(lost, 0.0) * abs(expected)


def test_three_layers_cut_seven_eighths_of_a_ring():
    n, shots = 60, 4000
    edges = np.sort(np.column_stack([np.arange(n), (np.arange(n) + 1) % n]))
    cost = Cost.of(Qubo.from_arrays(np.full(n, -2.0), *edges.T, np.full(n, 2.0)))
    # arXiv 1411.4028: (2p + 1) / (2p + 2)
    state = MatrixProductState(Ansatz(cost, fixed_angles(2, 3)), 64)
    assert state.truncation == 0.0
    bits = state.sample(shots, np.random.default_rng(4))
    cuts = (bits[:, edges[:, 0]] != bits[:, edges[:, 1]]).mean(axis=1)
    assert abs(cuts.mean() - 7 / 8) < 5.0 * cuts.std() / np.sqrt(shots)


def test_it_can_be_stopped_while_it_is_prepared_and_between_batches():
    ansatz = Ansatz(random_cost(8, 1, 1.0), ANGLES)
    with pytest.raises(StoppedError):
        MatrixProductState(ansatz, 4, lambda: True)
    answers = iter([False] * 10_000)
    state = MatrixProductState(ansatz, 4, lambda: next(answers, True))
    while next(answers, None) is not None:
        pass
    assert len(state.sample(5000, np.random.default_rng(0))) == 1024
