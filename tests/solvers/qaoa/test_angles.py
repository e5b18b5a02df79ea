import networkx as nx
import numpy as np
import pytest

from qopt.forms import Qubo
from qopt.solvers.qaoa.angle_search import train
from qopt.solvers.qaoa.angles import Allowance, ramp, train_single_layer
from qopt.solvers.qaoa.ansatz import Angles, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.objective import ConditionalValueAtRisk, Mean
from qopt.solvers.qaoa.simulate.statevector import Statevector


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
            train(simulator, cost, p, objective, Allowance(), restarts=1, seed=1).angles, objective
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
        simulator.value(train(simulator, cost, 1, target, Allowance()).angles, objective)
        for target in (Mean(), objective)
    )
    assert by_cvar < by_mean - 1e-3


@pytest.mark.parametrize("layers", [1, 3])
def test_the_allowance_is_kept(random_qubo, layers):
    cost = Cost.of(random_qubo(5))
    for limit in (1, 20, 80):
        allowance = Allowance(limit)
        trained = train(Statevector(cost), cost, layers, Mean(), allowance, restarts=3)
        assert allowance.used == trained.evaluations <= limit
        assert trained.angles.layers == layers


def test_a_stop_before_the_first_evaluation_gives_angles_of_the_usual_size(random_qubo):
    cost = Cost.of(random_qubo(5))
    trained = train(Statevector(cost), cost, 2, Mean(), Allowance(stop=lambda: True))
    assert trained.evaluations == 0
    assert SingleLayer(cost).value(
        float(np.mean(trained.angles.gammas)), float(np.mean(trained.angles.betas))
    ) < 0.0


def test_a_seed_decides_the_restarts(random_qubo):
    cost = Cost.of(random_qubo(5))
    simulator = Statevector(cost)

    def run(seed):
        allowance = Allowance(150)
        return train(simulator, cost, 2, Mean(), allowance, restarts=2, seed=seed)

    assert run(1) == run(1)


def test_a_constant_cost_trains():
    cost = Cost.of(Qubo.from_arrays([0.0, 0.0]))
    assert train(Statevector(cost), cost, 2, Mean(), Allowance()).angles.layers == 2


def test_the_ramp_rises_and_falls_about_the_single_layer():
    angles = ramp(Angles((0.4,), (-0.6,)), 3)
    assert list(angles.gammas) == sorted(angles.gammas)
    assert list(angles.betas) == sorted(angles.betas)
    assert np.mean(angles.gammas) == pytest.approx(0.4)
    assert np.mean(angles.betas) == pytest.approx(-0.6)
