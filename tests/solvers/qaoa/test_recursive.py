import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Progress, Status
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.closed_form import SingleLayer
from qopt.solvers.qaoa.recursive import RecursiveQaoa, Remainder, descend, means_of
from qopt.solvers.qaoa.simulate import reference


def solve(model, budget=None, seed=1, progress=None, **options):
    return RecursiveQaoa(**options).solve(
        model, budget or Budget(), seed, progress or Progress()
    )


def ring(n):
    """MaxCut of an even ring: every edge can be cut."""
    row = np.arange(n)
    return Qubo.from_arrays(np.full(n, -2.0), row, (row + 1) % n, np.full(n, 2.0))


@pytest.mark.parametrize("eliminate", [None, 1, 5])
def test_a_ring_of_many_spins_is_solved(eliminate):
    model = ring(80)
    outcome = solve(model, eliminate=eliminate)
    assert outcome.status is Status.FEASIBLE
    assert model.energy(outcome.answers[0]) == -80.0
    assert outcome.usage.evaluations > 0
    assert outcome.usage.shots == outcome.usage.circuits == 0


@pytest.mark.parametrize("correlations", ["closed_form", "statevector"])
@pytest.mark.parametrize("seed", range(5))
def test_small_models_come_close_to_the_optimum(random_qubo, correlations, seed):
    model = random_qubo(10, seed=seed)
    energies = model.energies(np.arange(1024)[:, None] >> np.arange(10) & 1)
    outcome = solve(model, correlations=correlations, cutoff=4)
    assert len(outcome.answers) == 1
    found = model.energy(outcome.answers[0])
    assert found <= energies.min() + 0.1 * (energies.mean() - energies.min())


def test_what_is_small_enough_is_enumerated(random_qubo):
    model = random_qubo(8)
    energies = model.energies(np.arange(256)[:, None] >> np.arange(8) & 1)
    outcome = solve(model, cutoff=8)
    assert model.energy(outcome.answers[0]) == pytest.approx(energies.min())
    assert outcome.details["rounds"] == 0


def test_ties_and_values_leave_the_energy_of_every_answer(random_qubo):
    model = random_qubo(6)
    ising = model.to_ising()
    rest = Remainder.of(ising)
    rest.tie(4, 1, -1)
    rest.tie(2, -1, 1)
    rest.tie(1, 5, 1)
    assert rest.spins.tolist() == [0, 3, 5]
    left = rest.ising()
    small = 1 - 2 * (np.arange(8)[:, None] >> np.arange(3) & 1)
    whole = np.array([rest.complete(spins) for spins in small])
    assert (whole[:, 2] == 1).all()
    assert (whole[:, 4] == -whole[:, 1]).all()
    assert (whole[:, 1] == whole[:, 5]).all()
    # Up to a constant, which the rules take out.
    differences = ising.energies(whole) - left.energies(small)
    np.testing.assert_allclose(differences, differences[0], atol=1e-12)


def test_means_of_a_state_are_those_of_the_closed_form(random_qubo):
    cost = Cost.of(random_qubo(7, density=0.6))
    angles = Angles((0.4,), (-0.3,))
    probabilities = np.abs(reference.state(Ansatz(cost, angles))) ** 2
    expected = SingleLayer(cost).correlations(0.4).at(-0.3)
    for found, wanted in zip(means_of(probabilities, cost), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_one_seed_gives_one_answer_and_shots_are_counted(random_qubo):
    model = random_qubo(9)
    options = {"correlations": "statevector", "p": 2, "shots": 50, "cutoff": 3}
    one, two = (solve(model, seed=3, **options) for _ in range(2))
    np.testing.assert_array_equal(one.answers, two.answers)
    assert one.usage.shots == 50 * one.details["rounds"] == 50 * one.usage.circuits
    assert one.usage.simulated
    assert one.usage.hypothetical


@pytest.mark.parametrize("evaluations", [1, 2, 17])
def test_a_budget_of_evaluations_is_kept(random_qubo, evaluations):
    outcome = solve(random_qubo(40), Budget(evaluations=evaluations))
    assert outcome.usage.evaluations == evaluations
    assert "ended early" in outcome.reason


@pytest.mark.parametrize("budget", [Budget(evaluations=1), Budget(time_limit=0.0)])
def test_a_spent_budget_leaves_a_local_minimum(budget):
    model = ring(60)
    outcome = solve(model, budget)
    assert "greedy descent" in outcome.reason
    x = outcome.answers[0]
    flips = x ^ np.eye(len(x), dtype=np.int8)
    assert model.energies(flips).min() >= model.energy(x) - 1e-9


def test_descent_ends_where_no_flip_is_better(random_qubo):
    ising = random_qubo(12).to_ising()
    spins = descend(ising, np.random.default_rng(0))
    flips = spins * (1 - 2 * np.eye(12, dtype=np.int64))
    assert ising.energies(flips).min() >= ising.energies(spins[None])[0] - 1e-9


def test_groups_are_penalised_and_broken_ones_told():
    group = Group(tuple(range(6)), 2)
    model = Qubo.from_arrays(np.arange(6.0), groups=[group])
    outcome = solve(model, cutoff=3)
    assert outcome.status is Status.FEASIBLE
    assert outcome.answers[0].sum() == 2


@pytest.mark.parametrize("model", [Qubo.from_arrays(np.zeros(0)), Qubo.from_arrays([3.0, -1.0])])
def test_models_without_couplings(model):
    outcome = solve(model, cutoff=1)
    assert outcome.answers.tolist() == [[0, 1][: model.num_variables]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 2}, "correlations=statevector"),
        ({"shots": 10}, "correlations=statevector"),
        ({"cutoff": 25}, "cutoff must be between 1 and 24, got 25"),
        ({"eliminate": 0}, "eliminate"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(UsageError, match=message):
        RecursiveQaoa(**options)


def test_sizes_are_checked():
    with pytest.raises(SizeError, match="at most 26 qubits"):
        solve(Qubo.from_arrays(np.ones(27)), correlations="statevector")
    with pytest.raises(SizeError, match="at most 4000"):
        solve(Qubo.from_arrays(np.ones(4001)))
