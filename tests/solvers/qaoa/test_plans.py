"""QAOA under limits of shots and money: planned before it submits, cut where it loops."""

from dataclasses import replace

import numpy as np
import pytest

from qopt.errors import LimitError
from qopt.forms import Table
from qopt.limits import Limits, RunMeter
from qopt.pricing import charge, price_list, total
from qopt.solver import Budget, Progress
from qopt.solvers.auto import Auto
from qopt.solvers.hybrid import Hybrid
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.plans import evaluations_of, trains_by_shots
from qopt.solvers.qiskit_qaoa import QiskitQaoa

SHOTS = {"shots": 200, "training_shots": 50}


def solve(solver, model, max_cost=None, max_shots=None, evaluations=None):
    meter = RunMeter(Limits.of(max_cost, max_shots)) if max_cost or max_shots else None
    outcome = solver.solve(model, Budget(evaluations=evaluations, meter=meter), 0, Progress())
    return outcome, meter


def bill(usage):
    return total(charge(replace(usage, phases={}), price_list()), "estimated")


def test_a_run_that_would_take_more_shots_is_refused_before_it_begins(random_qubo, monkeypatch):
    def never(*arguments, **more):
        raise AssertionError("trained, though the run is refused")

    monkeypatch.setattr("qopt.solvers.qaoa.solver.AngleFinder", never)
    with pytest.raises(LimitError, match="200 shots of 1 circuit on statevector: more than"):
        solve(Qaoa(shots=200), random_qubo(4), max_shots=199)


@pytest.mark.parametrize("training", ["spsa", "cobyla"])
@pytest.mark.parametrize("limit", [250, 299, 640, 1001])
def test_training_by_shots_stops_where_the_next_evaluation_would_exceed(
    random_qubo, training, limit
):
    outcome, meter = solve(Qaoa(training=training, **SHOTS), random_qubo(4), max_shots=limit)
    usage = outcome.usage
    assert usage.shots <= limit
    assert outcome.counts.sum() == 200
    assert usage.evaluations == usage.circuits - 1 <= (limit - 200) // 50
    if training == "cobyla":  # pairs of evaluations are one of SPSA's steps
        assert usage.shots + 50 > limit
    assert meter.acted
    assert "limited" in outcome.details["caveats"]


@pytest.mark.parametrize("training", ["spsa", "cobyla"])
def test_a_training_for_which_nothing_is_left_is_refused(random_qubo, training):
    with pytest.raises(LimitError, match="250 shots of 2 circuits on statevector: more than max-"):
        solve(Qaoa(training=training, **SHOTS), random_qubo(4), max_shots=249)


@pytest.mark.parametrize("options", [{}, {"training": "spsa", **SHOTS}])
def test_limits_that_do_not_act_change_nothing(random_qubo, options):
    model = random_qubo(4)
    plain, _ = solve(Qaoa(**options), model, evaluations=30)
    limited, meter = solve(Qaoa(**options), model, 100.0, 10**6, evaluations=30)
    assert not meter.acted
    np.testing.assert_array_equal(plain.answers, limited.answers)
    np.testing.assert_array_equal(plain.counts, limited.counts)
    assert plain.details == limited.details


def test_a_simulated_device_is_held_to_the_real_one_s_price(random_qubo):
    solver = Qaoa(device="aer:manila", shots=100, compile_tries=1, trajectories=1)
    done, meter = solve(solver, random_qubo(4), max_cost=3.3)
    cost = bill(done.usage)
    assert 3.2 < cost < 3.3  # 2 s of a job and 100 shots, at 1.60 USD a second
    assert not meter.acted
    with pytest.raises(LimitError, match=f"would bring the run to {cost:.3g}"):
        solve(solver, random_qubo(4), max_cost=cost - 0.01)


def test_training_on_a_device_stops_at_the_limit_of_money(random_qubo):
    solver = Qaoa(
        device="aer:manila", training="spsa", training_noise=True, trajectories=1,
        compile_tries=1, **SHOTS,
    )
    outcome, meter = solve(solver, random_qubo(3), max_cost=17.0)
    # Every evaluation is a job of 3.20 USD and more, and so is the final circuit.
    assert outcome.usage.circuits == 5
    assert bill(outcome.usage) <= 17.0
    assert meter.acted
    with pytest.raises(LimitError, match="250 shots of 2 circuits on aer:manila would bring"):
        solve(solver, random_qubo(3), max_cost=5.0)


def test_a_final_circuit_that_came_out_dearer_is_not_submitted(random_qubo, monkeypatch):
    """The training is paid for, so its own circuit, which a place is held for, takes its place."""
    solver = Qaoa(
        device="aer:manila", training="spsa", training_noise=True, trajectories=1,
        compile_tries=1, **SHOTS,
    )
    from qopt.solvers.qaoa.devices.calibrated import CalibratedDevice

    compile_circuit = CalibratedDevice.compile
    calls = []

    def dearer(self, ansatz, seed, watch):
        compiled = compile_circuit(self, ansatz, seed, watch)
        calls.append(ansatz)
        last = isinstance(ansatz.angles.gammas[0], float)
        return replace(compiled, repetition_delay=1.0) if last else compiled

    monkeypatch.setattr(CalibratedDevice, "compile", dearer)
    outcome, _ = solve(solver, random_qubo(3), max_cost=17.0)
    assert bill(outcome.usage) <= 17.0
    assert outcome.usage.circuits == 5


def test_a_table_is_held_to_its_shots():
    table = Table(np.arange(16.0))
    with pytest.raises(LimitError, match="more than max-shots 99"):
        solve(Qaoa(shots=100), table, max_shots=99)
    outcome, meter = solve(Qaoa(training="cobyla", **SHOTS), table, max_shots=420)
    assert outcome.usage.shots == 400
    assert meter.acted


def test_a_hybrid_s_calls_are_counted_together(random_qubo):
    model = random_qubo(12)
    solver = Hybrid(subsolver="qaoa:shots=100", size=4)
    outcome, meter = solve(solver, model, max_shots=350, evaluations=300)
    assert outcome.usage.shots == 300
    assert meter.acted
    with pytest.raises(LimitError, match="more than max-shots 50"):
        solve(solver, model, max_shots=50)


def test_auto_on_a_device_is_held_to_its_shots(random_qubo):
    with pytest.raises(LimitError, match="1024 shots of 1 circuit on statevector: more than"):
        solve(Auto(device="statevector"), random_qubo(6), max_shots=100)


def test_the_peer_is_held_to_its_shots(random_qubo):
    pytest.importorskip("qiskit_optimization")
    model = random_qubo(3)
    with pytest.raises(LimitError, match="40 shots of 2 circuits on statevector: more than"):
        solve(QiskitQaoa(shots=20), model, max_shots=39)
    outcome, meter = solve(QiskitQaoa(shots=20), model, max_shots=130)
    assert outcome.usage.shots <= 130
    assert meter.acted
    assert "the limit of shots ended COBYLA" in outcome.reason


def test_what_counts_as_training_by_shots():
    assert trains_by_shots(Qaoa(training="spsa"))
    assert not trains_by_shots(Qaoa(training="interp"))
    assert evaluations_of(Qaoa(training="spsa"), Budget()) == 400
    assert evaluations_of(Qaoa(training="spsa"), Budget(evaluations=7)) == 7
