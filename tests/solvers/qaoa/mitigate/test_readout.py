import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.calibration import Calibration, QubitCalibration
from qopt.devices import Description
from qopt.errors import SolverError, UsageError
from qopt.forms import Qubo
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.devices import Samples
from qopt.solvers.qaoa.mitigate import Job, Result, readout
from qopt.solvers.qaoa.mitigate.observable import Observable
from qopt.solvers.qaoa.mitigate.readout import TensoredReadout

ERRORS = np.array([[0.02, 0.07], [0.1, 0.01], [0.0, 0.2]])
ALL = np.array(list(itertools.product((0, 1), repeat=3)), dtype=np.int8)


def observable(model):
    return Observable.of(model, Ansatz.of(model, "x"))


def misread(truth, errors, rows=ALL):
    """Probability that a bit string is read as each row."""
    wrong = np.where(truth == 1, errors[:, 1], errors[:, 0])
    return np.where(rows == truth, 1.0 - wrong, wrong).prod(axis=1)


def shots_in_proportion(probabilities, rows=ALL, scale=10**6):
    """Rows as often as their probabilities say, which are whole millionths."""
    counts = np.rint(probabilities * scale).astype(int)
    assert counts.sum() == scale
    return np.repeat(rows, counts, axis=0)


@pytest.mark.parametrize("truth", [(0, 0, 0), (1, 0, 1), (1, 1, 1)])
def test_the_inverse_is_exact(random_qubo, truth):
    truth, model = np.array(truth, dtype=np.int8), random_qubo(3)
    seen = shots_in_proportion(misread(truth, ERRORS))
    method = TensoredReadout(observable(model), ERRORS)
    reading = method.read(Samples(seen), [])
    assert reading.mean == pytest.approx(model.energy(truth), abs=1e-9)
    quasi = readout.quasi_distribution(seen, ERRORS)
    expected = np.zeros(8)
    expected[truth @ [1, 2, 4]] = 1.0
    np.testing.assert_allclose(quasi, expected, atol=1e-9)


def test_the_mean_is_that_of_the_quasi_distribution(random_qubo):
    bits = np.random.default_rng(0).integers(0, 2, (500, 3)).astype(np.int8)
    model = random_qubo(3)
    quasi = readout.quasi_distribution(bits, ERRORS)
    states = np.array([[n >> i & 1 for i in range(3)] for n in range(8)], dtype=np.int8)
    reading = TensoredReadout(observable(model), ERRORS).read(Samples(bits), [])
    assert reading.mean == pytest.approx(float(quasi @ model.energies(states)), rel=1e-12)
    assert quasi.sum() == pytest.approx(1.0)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-1.0, 2.0), min_size=2, max_size=9))
def test_the_nearest_distribution_is_one_and_none_is_nearer(values):
    quasi = np.array(values) + (1.0 - sum(values)) / len(values)
    nearest = readout.nearest_distribution(quasi)
    assert nearest.min() >= 0.0
    assert nearest.sum() == pytest.approx(1.0)
    # A projection onto a convex set leaves an obtuse angle to every member of it.
    for corner in np.eye(len(quasi)):
        assert (quasi - nearest) @ (corner - nearest) <= 1e-9


def test_the_likeliest_string_stands_out_again(random_qubo):
    truth = np.array([1, 0, 1], dtype=np.int8)
    probabilities = misread(truth, ERRORS)
    seen = Samples(shots_in_proportion(probabilities))
    told = TensoredReadout(observable(random_qubo(3)), ERRORS).most_likely(seen, [])["most_likely"]
    assert told["bits"] == truth.tolist()
    assert told["raw"] == pytest.approx(0.93 * 0.9 * 0.8)
    assert told["mitigated"] == pytest.approx(1.0)
    many = Samples(np.zeros((1, 17), dtype=np.int8))
    blind = TensoredReadout(observable(random_qubo(3)), np.zeros((17, 2)))
    assert blind.most_likely(many, []) == {}


def test_errors_are_measured_from_two_circuits():
    zeros = np.array([[0, 0]] * 9 + [[1, 0]], dtype=np.int8)
    ones = np.array([[1, 1]] * 8 + [[1, 0]] * 2, dtype=np.int8)
    results = [
        Result(Job(None, 0.5, "calibration", state), Samples(bits))
        for state, bits in ((1.0, ones), (0.0, zeros))
    ]
    errors, variances = readout.known_errors(None, results)
    np.testing.assert_allclose(errors, [[0.1, 0.0], [0.0, 0.2]])
    assert (variances > 0.0).all()


def test_slopes_are_the_derivatives_by_the_errors(random_qubo):
    bits = np.random.default_rng(1).integers(0, 2, (200, 3)).astype(np.int8)
    measured = observable(random_qubo(3))

    def mean(errors):
        return TensoredReadout(measured, errors).read(Samples(bits), []).mean

    slopes = TensoredReadout(measured, ERRORS).read(Samples(bits), []).slopes
    for place, slope in enumerate(slopes):
        step = np.zeros(6)
        step[place] = 1e-6
        step = step.reshape(3, 2)
        change = (mean(ERRORS + step) - mean(ERRORS - step)) / 2e-6
        assert slope == pytest.approx(change, rel=1e-5)


def test_calibration_circuits_flip_every_qubit_that_is_measured(random_qubo, compiled_on):
    device, compiled = compiled_on(random_qubo(3), "depolarizing:0;0;0.25")
    zeros, ones = readout.calibration_jobs(compiled)
    assert zeros.share == ones.share == 0.5
    assert "x" not in zeros.circuit.count_ops()
    assert ones.circuit.count_ops()["x"] == zeros.circuit.count_ops()["measure"] == 3
    stored = readout.stored_errors(device, compiled)
    np.testing.assert_array_equal(stored, np.full((3, 2), 0.25))


class Real:
    """A device of a calibration that is not simulated here."""

    name = "real"


def test_stored_errors_follow_the_qubits_that_variables_were_routed_to(
    random_qubo, compiled_on, monkeypatch
):
    device, compiled = compiled_on(random_qubo(3), "aer:manila")
    qubits = tuple(QubitCalibration(None, None, None, 0.01 * i, 0.02 * i) for i in range(5))
    told = Description(
        "real", "", 5, couples_all=False, basis=(), simulated=False, noisy=True,
        calibration=Calibration("manila", "2026", qubits, {}),
    )
    monkeypatch.setattr(readout, "describe", lambda name: told)
    errors = readout.stored_errors(Real(), compiled)
    simulated, noise = readout.stored_errors(device, compiled), device.noise(compiled)
    for gate in compiled.circuit.data:
        if gate.operation.name == "measure":
            place = compiled.circuit.find_bit(gate.qubits[0]).index
            bit = compiled.circuit.find_bit(gate.clbits[0]).index
            qubit = compiled.physical[place]
            assert errors[bit].tolist() == [0.01 * qubit, 0.02 * qubit]
            assert simulated[bit].tolist() == noise.readout[place].tolist()


def test_a_device_that_tells_nothing_is_said(random_qubo, compiled_on):
    device, compiled = compiled_on(random_qubo(2), "statevector")
    with pytest.raises(UsageError, match="tells no readout errors"):
        readout.stored_errors(device, compiled)


def test_bits_that_tell_nothing_are_refused(random_qubo):
    useless = np.full((3, 2), 0.5)
    with pytest.raises(SolverError, match="cannot be inverted"):
        TensoredReadout(observable(random_qubo(3)), useless).read(Samples(ALL), [])


def test_a_distribution_of_many_qubits_is_refused():
    with pytest.raises(UsageError, match="at most 16 qubits"):
        readout.quasi_distribution(np.zeros((1, 17), dtype=np.int8), np.zeros((17, 2)))


def test_penalties_are_part_of_what_is_measured():
    from qopt.forms import Group

    model = Qubo.from_arrays([1.0, 2.0], groups=[Group((0, 1), 1)])
    both = np.array([[1, 1]], dtype=np.int8)
    assert observable(model).values(both) == model.penalised().energies(both)
    kept = Observable.of(model, Ansatz.of(model, "ring"))
    assert kept.values(both) == model.energies(both)


def test_mthree_agrees_with_the_tensored_inverse(random_qubo):
    pytest.importorskip("mthree")
    from qopt.solvers.qaoa.mitigate.mthree import MthreeReadout

    bits = np.random.default_rng(0).integers(0, 2, (4000, 3)).astype(np.int8)
    measured = observable(random_qubo(3))
    ours = TensoredReadout(measured, ERRORS).read(Samples(bits), [])
    theirs = MthreeReadout(measured, ERRORS).read(Samples(bits), [])
    # All strings occur, so that their subspace is whole; they compute in single precision.
    assert theirs.mean == pytest.approx(ours.mean, abs=1e-4)
    assert theirs.error > 0.0
