import itertools

import networkx as nx
import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.solvers.qaoa import angle_search
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import (
    BY_SHOTS,
    Allowance,
    default_evaluations,
    fourier_basis,
    interpolate,
    ramp,
    train_single_layer,
)
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean
from qopt.solvers.qaoa.simulate.statevector import Statevector

BY_GRADIENT = ("auto", "interp", "fourier", "multistart")
SEARCHES = BY_GRADIENT + BY_SHOTS


def test_one_layer_reaches_the_known_ratio_on_cubic_graphs_without_triangles(max_cut):
    # Farhi et al., arXiv 1411.4028: 0.6924 of the edges on every 3-regular graph; without
    # triangles each edge is cut with that probability exactly.
    graph = nx.petersen_graph()
    cost = Cost.of(max_cut(list(graph.edges), 10))
    angles = train_single_layer(cost)
    cut = -cost.energy(SingleLayer(cost).value(angles.gammas[0], angles.betas[0]))
    assert cut / graph.number_of_edges() == pytest.approx(0.5 + 1 / (3 * np.sqrt(3)), abs=1e-6)
    assert cut / graph.number_of_edges() >= 0.6924


def test_single_layer_beats_a_fine_scan(random_qubo):
    cost = Cost.of(random_qubo(6, seed=3))
    layer, angles = SingleLayer(cost), train_single_layer(cost)
    betas = np.linspace(-np.pi / 2, np.pi / 2, 301)
    lowest = min(
        layer.values(gamma, betas).min() for gamma in np.linspace(0, 2.0 / cost.spread, 301)
    )
    assert layer.value(angles.gammas[0], angles.betas[0]) <= lowest + 1e-6


@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.2)])
def test_more_layers_are_better(random_qubo, objective):
    cost = Cost.of(random_qubo(7))
    simulator = Statevector(cost)
    values = [
        simulator.value(
            train(simulator, p, objective, Allowance()).angles, objective
        )
        for p in (1, 2, 3)
    ]
    lowest = simulator.diagonal.min()
    assert values[1] < values[0]
    # CVaR may reach the optimum, and then there is nothing left to gain.
    assert values[2] < values[1] or values[1] == pytest.approx(lowest)
    assert values[2] >= lowest - 1e-9


def test_training_for_cvar_lowers_the_cvar(random_qubo):
    cost, objective = Cost.of(random_qubo(8)), ConditionalValueAtRisk(0.1)
    simulator = Statevector(cost)
    by_mean, by_cvar = (
        simulator.value(train(simulator, 1, target, Allowance()).angles, objective)
        for target in (Mean(), objective)
    )
    assert by_cvar < by_mean - 1e-3


@pytest.mark.parametrize("training", SEARCHES)
@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.8)])
def test_a_search_improves_on_the_ramp(random_qubo, training, objective):
    cost = Cost.of(random_qubo(7, seed=4))
    simulator = Statevector(cost)
    start = ramp(train_single_layer(cost), 3)
    trained = train(
        simulator, 3, objective, Allowance(200), training=training, restarts=1
    )
    assert simulator.value(trained.angles, objective) < simulator.value(start, objective) - 0.1
    assert trained.source.startswith(f"{training}: ")


@pytest.mark.parametrize("training", SEARCHES)
def test_the_allowance_is_kept_and_more_of_it_is_no_worse(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    simulator, reached = Statevector(cost), np.inf
    for limit in (1, 6, 20, 80):
        allowance = Allowance(limit)
        trained = train(simulator, 3, Mean(), allowance, training=training, restarts=3)
        assert 0 < allowance.used == trained.evaluations <= limit
        assert trained.angles.layers == 3
        if training in BY_GRADIENT:
            value = simulator.expectation(trained.angles)
            assert value <= reached + 1e-12
            reached = value


@pytest.mark.parametrize("training", SEARCHES)
def test_a_stop_ends_a_search_with_its_best(random_qubo, training):
    cost, asked = Cost.of(random_qubo(5)), []

    def stop(work=1.0):
        asked.append(True)
        return len(asked) > 90

    simulator = Statevector(cost)
    trained = train(simulator, 4, Mean(), Allowance(1000, stop), training=training)
    assert 0 < trained.evaluations < 90
    if training in BY_GRADIENT:
        start = ramp(train_single_layer(cost), 4)
        assert simulator.expectation(trained.angles) <= simulator.expectation(start)


@pytest.mark.parametrize("training", ["ramp", *SEARCHES])
def test_a_stop_before_the_first_evaluation_gives_angles_of_the_usual_size(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    simulator = Statevector(cost)
    allowance = Allowance(stop=lambda work=1.0: True)
    trained = train(simulator, 2, Mean(), allowance, training=training)
    assert trained.evaluations == trained.shots == 0
    assert simulator.expectation(trained.angles) < 0.0


@pytest.mark.parametrize("training", SEARCHES)
def test_a_seed_decides(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    simulator = Statevector(cost)

    def run(seed):
        allowance = Allowance(100)
        return train(
            simulator, 2, Mean(), allowance, training=training, restarts=2, seed=seed
        )

    assert run(1) == run(1)
    if training in BY_SHOTS:
        assert run(1) != run(2)


@pytest.mark.parametrize("training", ["auto", "interp", "fourier"])
@pytest.mark.parametrize("objective", [Mean(), ConditionalValueAtRisk(0.3)])
def test_more_layers_never_end_above_fewer(random_qubo, training, objective):
    cost = Cost.of(random_qubo(6, seed=2, density=0.5))
    simulator = Statevector(cost)
    values = [
        simulator.value(
            train(simulator, p, objective, Allowance(1000), training=training).angles,
            objective,
        )
        for p in range(1, 6)
    ]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(values))


def test_a_depth_that_leads_nowhere_starts_over_from_the_ramp(random_qubo, monkeypatch):
    cost = Cost.of(random_qubo(6))
    simulator = Statevector(cost)
    usual = simulator.expectation(train(simulator, 2, Mean(), Allowance()).angles)
    # At angles of zero the slope is zero too: a descent from there ends where it began.
    monkeypatch.setattr(angle_search, "interpolate", lambda angles: Angles((0.0, 0.0), (0.0, 0.0)))
    trained = train(simulator, 2, Mean(), Allowance())
    assert simulator.expectation(trained.angles) == pytest.approx(usual, abs=1e-3)


def test_single_precision_is_good_enough_to_train(random_qubo):
    cost = Cost.of(random_qubo(7))
    exact = Statevector(cost)
    by_double, by_single = (
        exact.expectation(train(simulator, 3, Mean(), Allowance()).angles)
        for simulator in (exact, Statevector(cost, precision="single"))
    )
    assert by_single == pytest.approx(by_double, abs=1e-3)


@pytest.mark.parametrize("training", ["auto", "ramp", "interp", "fourier"])
def test_one_layer_is_the_closed_form(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    trained = train(Statevector(cost), 1, Mean(), Allowance(), training=training)
    assert trained.angles == train_single_layer(cost)
    assert trained.evaluations == 0


def test_one_layer_cannot_be_searched_further(random_qubo):
    cost = Cost.of(random_qubo(6, seed=5))
    simulator = Statevector(cost)
    closed = simulator.expectation(train_single_layer(cost))
    trained = train(simulator, 1, Mean(), Allowance(), training="multistart", restarts=9)
    assert simulator.expectation(trained.angles) == pytest.approx(closed, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_of_equal_minima_the_one_with_the_smallest_phase_is_taken(max_cut, seed):
    # A graph of odd degree without weights has a mirror minimum at larger phases, from where more
    # layers lead nowhere.
    graph = nx.random_regular_graph(3, 10, seed=seed)
    cost = Cost.of(max_cut(list(graph.edges), 10))
    angles = train_single_layer(cost)
    assert 0.0 < angles.gammas[0] < np.pi / 8
    values = SingleLayer(cost)
    assert values.value(np.pi / 2 - angles.gammas[0], angles.betas[0]) == pytest.approx(
        values.value(angles.gammas[0], angles.betas[0])
    )


def test_the_default_reaches_a_multistart_at_a_tenth_of_its_evaluations(max_cut):
    cost = Cost.of(max_cut(list(nx.random_regular_graph(3, 8, seed=1).edges), 8))
    simulator = Statevector(cost)
    found = {
        training: train(
            simulator, 3, Mean(),
            Allowance(default_evaluations(training, 3, 20)), training=training, restarts=20,
        )
        for training in ("auto", "multistart")
    }
    spread = -simulator.diagonal.min()
    auto, long = (simulator.expectation(found[name].angles) for name in ("auto", "multistart"))
    assert auto <= long + 0.01 * spread
    assert found["auto"].evaluations <= 0.1 * found["multistart"].evaluations


@pytest.mark.parametrize("training", BY_SHOTS)
def test_shots_of_the_training_are_counted(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    trained = train(
        Statevector(cost), 2, Mean(), Allowance(30), training=training, shots=50
    )
    assert trained.evaluations == trained.circuits <= 30
    assert trained.shots == 50 * trained.evaluations


@pytest.mark.parametrize("training", BY_GRADIENT)
def test_gradients_take_no_shots(random_qubo, training):
    cost = Cost.of(random_qubo(5))
    trained = train(Statevector(cost), 2, Mean(), Allowance(30), training=training)
    assert trained.evaluations > trained.shots == trained.circuits == 0


@pytest.mark.parametrize("training", ["ramp", *SEARCHES])
def test_a_constant_cost_trains(training):
    cost = Cost.of(Qubo.from_arrays([0.0, 0.0]))
    trained = train(Statevector(cost), 2, Mean(), Allowance(), training=training)
    assert trained.angles.layers == 2
    assert np.isfinite(trained.angles.flat).all()


def test_the_ramp_rises_and_falls_about_the_single_layer():
    angles = ramp(Angles((0.4,), (-0.6,)), 3)
    assert list(angles.gammas) == sorted(angles.gammas)
    assert list(angles.betas) == sorted(angles.betas)
    assert np.mean(angles.gammas) == pytest.approx(0.4)
    assert np.mean(angles.betas) == pytest.approx(-0.6)


def test_interpolation_keeps_a_straight_line():
    # Zhou et al., PRX 10, 021067, eq. B1, by hand: (1, 2) becomes (1, (1 + 2) / 2, 2).
    longer = interpolate(Angles((1.0, 2.0), (-4.0, -2.0)))
    assert longer.gammas == pytest.approx((1.0, 1.5, 2.0))
    assert longer.betas == pytest.approx((-4.0, -3.0, -2.0))


def test_fourier_amplitudes_span_all_angles():
    # Their equation 8, by hand, for one layer and for the first amplitudes of two.
    assert fourier_basis(1) == pytest.approx(np.eye(2) / np.sqrt(2.0))
    basis = fourier_basis(2)
    assert basis[:, 0] == pytest.approx([np.sin(np.pi / 8), np.sin(3 * np.pi / 8), 0.0, 0.0])
    assert basis[:, 2] == pytest.approx([0.0, 0.0, np.cos(np.pi / 8), np.cos(3 * np.pi / 8)])
    assert abs(np.linalg.det(fourier_basis(6))) > 1e-3


def test_padding_keeps_the_state(random_qubo):
    simulator, angles = Statevector(Cost.of(random_qubo(5))), Angles((0.3,), (-0.4,))
    assert angles.padded(3).layers == 3
    np.testing.assert_allclose(simulator.state(angles.padded(3)), simulator.state(angles))
