"""QAOA on tables of values: against the reference simulator, and against QUBOs."""

import json

import numpy as np
import pytest

import qopt
from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Qubo, Table
from qopt.solver import Budget, Progress, Status
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles
from qopt.solvers.qaoa.simulate.reference import state_of_values
from qopt.solvers.qaoa.tables import TableCost


def solve(model, seed=0, budget=None, **options):
    return Qaoa(**options).solve(model, budget or Budget(), seed, Progress())


def labs(bits):
    """Energies of low autocorrelation binary sequences: sums of squares of autocorrelations."""
    n = bits
    spins = 1.0 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    return sum(
        (spins[:, : n - k] * spins[:, k:]).sum(axis=1) ** 2 for k in range(1, n)
    )


def test_the_distribution_is_the_reference_s():
    table = Table(labs(6))
    cost = TableCost.of(table)
    angles = Angles((0.4, -0.2), (0.3, 0.7))
    shots = 400_000
    found = solve(table, p=2, angles=angles.flat, shots=shots)
    normalised = (table.values - cost.offset) / cost.scale
    exact = np.abs(state_of_values(normalised, angles)) ** 2
    seen = np.zeros(64)
    seen[table.indices(found.answers)] = found.counts / shots
    assert np.abs(seen - exact).max() < 5.0 * np.sqrt(exact.max() / shots)
    assert found.details["noiseless"]["expectation"] == pytest.approx(exact @ table.values)
    assert found.details["gammas"] == [0.4, -0.2]


def test_a_qubo_and_its_table_give_the_same_state():
    rng = np.random.default_rng(2)
    model = Qubo.from_matrix(rng.normal(size=(5, 5)))
    bits = (np.arange(32)[:, None] >> np.arange(5) & 1).astype(np.int8)
    table = Table(model.energies(bits))
    first = solve(model, angles=(0.6, -0.4), mixer="x")
    factor = TableCost.of(table).scale / first.details["scale"]
    second = solve(table, angles=(0.6 * factor, -0.4))
    assert first.details["noiseless"]["expectation"] == pytest.approx(
        second.details["noiseless"]["expectation"]
    )
    # The same draws of the same state.
    assert sorted(map(tuple, first.answers)) == sorted(map(tuple, second.answers))
    assert sorted(first.counts) == sorted(second.counts)


@pytest.mark.parametrize("training", ["auto", "interp", "fourier", "multistart", "cobyla"])
def test_training_betters_the_uniform_mean(training):
    table = Table(labs(7))
    found = solve(table, p=2, training=training, budget=Budget(evaluations=60))
    assert found.details["noiseless"]["expectation"] < found.details["uniform_mean"]
    assert found.status is Status.FEASIBLE
    values = table.energies(found.answers)
    assert (np.diff(values) >= 0).all()
    assert values[0] == table.values.min() == 3.0          # the Barker sequence of 7
    json.dumps(found.details)


def test_layers_and_units_of_the_objective():
    values = labs(6)
    means = [
        solve(Table(values), p=p).details["noiseless"]["expectation"] for p in (1, 2, 3)
    ]
    assert means[0] > means[1] > means[2]
    scaled = solve(Table(1e6 * values + 3e6))
    assert scaled.details["noiseless"]["expectation"] == pytest.approx(1e6 * means[0] + 3e6)
    assert scaled.details["gammas"] == pytest.approx(solve(Table(values)).details["gammas"])


@pytest.mark.parametrize("objective", ["cvar", "gibbs"])
def test_other_objectives(objective):
    found = solve(Table(labs(6)), objective=objective)
    assert objective in found.details["noiseless"]


def test_infeasible_strings_come_last():
    table = Table([5.0, 9.0, 1.0, 9.0, 4.0, 9.0, 9.0, 9.0], penalty=9.0)
    found = solve(table, shots=500)
    kept = table.keeps(found.answers)
    assert kept.any()
    assert not kept.all()
    assert (np.diff(kept.astype(int)) <= 0).all()
    assert found.details["sampled"]["feasible"] == pytest.approx(
        found.counts[kept].sum() / found.counts.sum()
    )
    assert found.counts.sum() == found.usage.shots == 500
    nothing = solve(Table([2.0, 2.0], penalty=2.0), shots=10)
    assert nothing.status is Status.INFEASIBLE_ANSWERS
    assert nothing.reason.startswith("no shot is a feasible answer")


def test_the_ledger_tells_of_no_circuit():
    found = solve(Table(labs(5)), shots=100)
    usage = found.usage
    assert (usage.qubits, usage.shots, usage.circuits) == (5, 100, 1)
    assert (usage.depth, usage.two_qubit_gates) == (0, 0)
    assert (usage.device, usage.simulated, usage.hypothetical) == ("statevector", True, True)
    assert "no circuit is made" in found.reason


def test_a_stop_and_no_time_end_it():
    stopped = Progress()
    stopped.stop()
    found = Qaoa().solve(Table(labs(5)), Budget(), 0, stopped)
    assert found.status is Status.TIME_LIMIT
    assert solve(Table(labs(5)), budget=Budget(time_limit=0.0)).status is Status.TIME_LIMIT


@pytest.mark.parametrize(
    "options",
    [
        {"device": "aer:torino"}, {"device": "mps:8"}, {"device": "depolarizing:0.001;0.01;0.01"},
        {"mixer": "ring"}, {"mixer": "grover"}, {"warm_start": "annealing"}, {"multi_angle": True},
        {"training": "fixed"}, {"postprocess": "descent"},
    ],
    ids=lambda options: next(iter(options.values())),
)
def test_what_needs_gates_or_pairs_is_refused(options):
    name, value = next(iter(options.items()))
    shown = str(value).lower()
    with pytest.raises(UnsupportedError, match=f"leave out {name}={shown}"):
        solve(Table(labs(4)), **options)


def test_small_tables():
    found = solve(Table([3.0]))
    assert found.answers.shape == (1, 0)
    one = solve(Table([3.0, 1.0]), p=2)
    assert one.answers[0].tolist() == [1]
    constant = solve(Table(np.zeros(8)))
    assert constant.status is Status.FEASIBLE


def test_angles_of_earlier_runs(tmp_path):
    problem = qopt.load("burma5")
    first = qopt.solve(problem, "qaoa:lower.encoding=rank,p=2", seed=1)
    path = tmp_path / "run.json"
    path.write_text(json.dumps(first.record.to_json()))
    again = qopt.solve(
        problem, "qaoa", p=2, angles_from=str(path), **{"lower.encoding": "rank"}
    )
    assert again.record.details["gammas"] == pytest.approx(first.record.details["gammas"])


def test_memory_is_asked_for_first(monkeypatch):
    from qopt.solvers.qaoa.simulate import statevector

    monkeypatch.setattr(statevector, "free_memory", lambda: 1000.0)
    with pytest.raises(SizeError, match="statevector simulator"):
        solve(Table(labs(8)))
