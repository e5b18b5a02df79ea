"""Estimates of QAOA's runs against what the runs took, and against enumeration."""

from math import prod

import numpy as np
import pytest

from qopt import Qubo
from qopt.errors import SizeError, UnsupportedError
from qopt.forms import Group, Table
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.devices.calibrated import CalibratedDevice

NOISY = "depolarizing:0.001;0.01;0.02"


def told(model, seed=0, time_limit=None, **options):
    return Qaoa(**options).estimate(model, Budget(time_limit=time_limit), seed)


def solved(model, seed=0, **options):
    return Qaoa(**options).solve(model, Budget(), seed, Progress())


def strings(model):
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    return bits, model.penalised().energies(bits)


def test_an_estimate_is_of_the_circuit_that_runs(random_qubo):
    options = {"device": "aer:manila", "compile_tries": 1, "p": 2, "shots": 300}
    model = random_qubo(4)
    plan, usage = told(model, **options).plan, solved(model, trajectories=1, **options).usage
    for name in (
        "qubits", "depth", "two_qubit_gates", "one_qubit_gates", "logical_depth",
        "logical_two_qubit_gates", "success_probability", "circuits", "shots", "device_seconds",
        "device", "hypothetical",
    ):
        assert getattr(plan, name) == getattr(usage, name), name


def test_no_circuit_is_run(random_qubo, monkeypatch):
    def never(*arguments, **more):
        raise AssertionError("executed")

    monkeypatch.setattr(CalibratedDevice, "sample", never)
    options = {"device": "aer:manila", "training": "spsa", "training_noise": True}
    found = told(random_qubo(3), compile_tries=1, training_shots=50, shots=300, **options)
    assert (found.plan.circuits, found.plan.shots, found.final_shots) == (61, 3300, 300)
    assert any("as many as it may is planned" in note for note in found.notes)


@pytest.mark.parametrize("mixer", ["x", "ring", "complete", "grover"])
def test_the_optimum_s_probability_is_that_of_the_exact_state(mixer):
    model = Qubo.from_arrays(
        [1.0, -2.0, 1.5, -1.0, 0.25], [0, 1], [4, 2], [1.0, -0.5], groups=[Group((0, 1, 2, 3), 2)]
    )
    found = told(model, mixer=mixer, p=2)
    outcome = solved(model, mixer=mixer, p=2, shots=100_000)
    bits, energies = strings(model)
    best = bits[np.isclose(energies, energies.min())]
    seen = sum(
        int(count) for answer, count in zip(outcome.answers, outcome.counts, strict=True)
        if (answer == best).all(axis=1).any()
    )
    assert found.ideal == pytest.approx(seen / 100_000, abs=0.01)
    assert found.uniform == len(best) / 32
    assert found.floor == pytest.approx(len(best) / 12)  # 6 of 16 keep the group, and a free bit


def test_optima_that_are_many_are_all_counted(max_cut):
    ring = max_cut([(0, 1), (1, 2), (2, 3), (0, 3)], 4)
    found = told(ring)
    assert found.uniform == found.floor == 2 / 16
    assert found.plan.success_probability == 1.0
    assert found.seen == found.ideal


def test_parts_of_the_success_multiply_to_it(random_qubo):
    model = random_qubo(4)
    for device in ("aer:manila", NOISY):
        found = told(model, device=device)
        parts = found.success_parts
        assert set(parts) >= {"gates", "readout"}
        assert prod(parts.values()) == pytest.approx(found.plan.success_probability)
    one, two = 8 + 4, 6  # 4 h, 4 rx, 4 rz, 6 rzz
    assert parts["gates"] == pytest.approx(0.999**one * 0.99**two)
    assert parts["readout"] == pytest.approx(0.98**4)


def test_readout_is_a_part_of_the_circuit_s_time(random_qubo):
    found = told(random_qubo(3), device="aer:manila")
    assert 0.0 < found.readout_seconds < found.circuit_seconds
    assert found.repetition_delay == pytest.approx(250e-6, rel=1.0)


def test_a_model_that_is_too_large_to_simulate_with_noise_is_estimated():
    n = 30
    line = Qubo.from_arrays(np.ones(n), np.arange(n - 1), np.arange(1, n), -np.ones(n - 1))
    options = {"compile_tries": 1, "optimisation_level": 1}
    with pytest.raises(SizeError, match="simulated with its noise only up to there"):
        solved(line, device="aer:sherbrooke", **options)
    found = told(line, device="aer:sherbrooke", **options)
    assert found.plan.qubits >= n
    assert 0.0 < found.plan.success_probability < 1.0
    with pytest.raises(SizeError, match="that many usable, connected qubits"):
        told(line, device="aer:manila")


def test_an_optimum_that_cannot_be_listed_is_unknown():
    n = 60
    line = Qubo.from_arrays(np.ones(n), np.arange(n - 1), np.arange(1, n), -np.ones(n - 1))
    found = told(line, device="depolarizing:0.001;0.01;0.02")
    assert found.ideal is found.uniform is found.floor is found.seen is None
    assert any("its optimum is unknown" in note for note in found.notes)


@pytest.mark.parametrize("options", [{"multi_angle": True}, {"warm_start": "annealing"}])
def test_variants_are_told_of_by_their_own_states(random_qubo, options):
    model = random_qubo(4)
    found, outcome = told(model, **options), solved(model, shots=50_000, **options)
    best = strings(model)[1].min()
    hits = int(outcome.counts[np.isclose(model.energies(outcome.answers), best)].sum())
    assert found.ideal == pytest.approx(hits / 50_000, abs=0.015)


def test_a_time_limit_cuts_the_training_and_says_so(random_qubo):
    found = told(random_qubo(5), p=3, time_limit=0.0)
    assert found.plan.two_qubit_gates == 30


def test_what_has_no_circuit_is_refused():
    with pytest.raises(UnsupportedError, match="a table of values has no circuit"):
        told(Table(np.arange(8.0)))
    with pytest.raises(UnsupportedError, match="no variables"):
        told(Qubo.from_arrays([]))
