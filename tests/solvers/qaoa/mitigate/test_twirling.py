import numpy as np
import pytest
from qiskit.quantum_info import Operator

from qopt.forms import Group
from qopt.solvers.qaoa.mitigate.observable import Observable
from qopt.solvers.qaoa.mitigate.twirling import PauliTwirling


@pytest.mark.parametrize(
    ("device", "mixer"), [("aer:manila", "x"), ("depolarizing:0;0.1;0", "ring")]
)
def test_every_random_circuit_does_the_same(random_qubo, compiled_on, device, mixer):
    model = random_qubo(3).with_groups([Group((0, 1, 2), 1)])
    _, compiled = compiled_on(model, device, mixer)
    jobs = PauliTwirling(6).circuits(compiled, 0)
    plain = Operator(compiled.circuit.remove_final_measurements(inplace=False))
    assert len({str(job.circuit.draw()) for job in jobs}) == 6
    assert sum(job.share for job in jobs) == pytest.approx(1.0)
    for job in jobs:
        assert Operator(job.circuit.remove_final_measurements(inplace=False)).equiv(plain)


def test_incoherent_noise_stays_as_it_is(random_qubo, compiled_on, noisy_mean):
    model = random_qubo(3)
    device, compiled = compiled_on(model, "depolarizing:0;0.1;0")
    measured, noise = Observable.of(model, compiled.ansatz), device.noise(compiled)
    plain = noisy_mean(measured, compiled.circuit, noise)
    for job in PauliTwirling(3).circuits(compiled, 5):
        assert noisy_mean(measured, job.circuit, noise) == pytest.approx(plain, abs=1e-9)


def test_one_seed_one_set_of_circuits(random_qubo, compiled_on):
    _, compiled = compiled_on(random_qubo(3), "depolarizing:0;0.1;0")
    first, again, other = (
        [str(job.circuit.draw()) for job in PauliTwirling(4).circuits(compiled, seed)]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert np.unique(first).size > 1
