import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.devices import DeviceOptions, Watch, open_device
from qopt.solvers.qaoa.devices.mps import MpsDevice
from qopt.solvers.qaoa.simulate.statevector import Statevector

ANGLES = Angles((0.2, 0.4), (-0.5, -0.3))


def sampled(name, ansatz, shots, watch, seed=1):
    device = open_device(name)
    device.load()
    device.check_size(ansatz)
    return device.sample(device.compile(ansatz, 0, watch), shots, seed, watch)


@pytest.mark.parametrize(("name", "bond"), [("mps", 64), ("mps:8", 8), ("mps:1", 1)])
def test_its_name_holds_the_bond_dimension(name, bond):
    device = open_device(name)
    assert isinstance(device, MpsDevice)
    assert (device.name, device.bond) == (name, bond)


@pytest.mark.parametrize("name", ["mps:", "mps:0", "mps:-3", "mps:2.5", "mps:513", "mps:8;2"])
def test_other_bond_dimensions_are_refused(name):
    with pytest.raises(UsageError, match="bond dimension from 1 to 512"):
        open_device(name)


def test_options_that_would_not_act_are_refused():
    for options in ({"trajectories": 5}, {"level": 1}, {"tries": 2}):
        with pytest.raises(UsageError, match="leave out"):
            open_device("mps", DeviceOptions(**options))


def test_registers_that_are_too_long():
    device = open_device("mps")
    device.check_size(Ansatz(Cost.of(Qubo.from_arrays(np.ones(200)))))
    with pytest.raises(SizeError, match="at most 200 qubits"):
        device.check_size(Ansatz(Cost.of(Qubo.from_arrays(np.ones(201)))))


@pytest.mark.parametrize("n", [10, 12])
def test_its_shots_are_those_of_the_exact_state(random_qubo, watch, n):
    # Asymmetric models with fields: a swapped bit would show in the means of the bits.
    ansatz = Ansatz(Cost.of(random_qubo(n, seed=n, density=0.5)), ANGLES)
    shots = 20_000
    samples = sampled("mps", ansatz, shots, watch)
    exact = Statevector(ansatz.cost)
    probabilities = exact.probabilities(ansatz.angles)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    for values, drawn in (
        (bits, samples.bits.mean(axis=0)),
        (exact.diagonal[:, None], exact.diagonal[samples.bits @ (1 << np.arange(n))].mean()),
    ):
        mean = probabilities @ values
        error = np.sqrt((probabilities @ values**2 - mean**2) / shots)
        np.testing.assert_array_less(np.abs(drawn - mean), 5.0 * error)
    assert samples.trajectories is None
    assert samples.details["truncation_error"] == 0.0
    assert "no truncation, no noise" in samples.method


def test_what_was_cut_is_told(random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(10, seed=2)), ANGLES)
    samples = sampled("mps:2", ansatz, 10, watch)
    assert samples.details["bond_dimension_reached"] == 2
    assert samples.details["truncation_error"] > 0.0
    assert 0.0 < samples.details["estimated_fidelity"] < 1.0
    error = f"{samples.details['truncation_error']:.2g}"
    assert f"bond dimension 2 of 2 reached, truncation error {error}" in samples.method


def test_one_seed_one_sample(random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(10, seed=2)), ANGLES)
    first, again, other = (sampled("mps:4", ansatz, 50, watch, seed).bits for seed in (7, 7, 8))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_no_shots_where_the_time_is_up(random_qubo):
    ansatz = Ansatz(Cost.of(random_qubo(10, seed=2)), ANGLES)
    late = Watch(Budget(time_limit=0.0).start(), Progress())
    assert sampled("mps", ansatz, 50, late).bits.shape == (0, 10)


def test_the_record_of_a_run_tells_the_truncation(random_qubo):
    model = random_qubo(8)
    solver = Qaoa(p=2, angles=ANGLES.flat, device="mps:3", shots=100)
    outcome = solver.solve(model, Budget(), 0, Progress())
    assert outcome.details["bond_dimension"] == 3
    assert outcome.details["truncation_error"] > 0.0
    assert "matrix product state" in outcome.reason
    assert outcome.usage.device == "mps:3"


def test_only_the_mixer_of_all_strings_is_known():
    model = Qubo.from_matrix(np.eye(3), groups=[Group((0, 1), 1)])
    device = open_device("mps")
    with pytest.raises(UsageError, match="mixer x"):
        device.check_size(Ansatz.of(model, "ring"))
    with pytest.raises(UsageError, match="mixer x"):
        device.check_size(Ansatz(Cost.of(model.penalised()), tilts=np.ones(3)))
