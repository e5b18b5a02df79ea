import numpy as np
import pytest

from qopt.solver import Budget, Progress
from qopt.solvers.qaoa.ansatz import Angles, Ansatz
from qopt.solvers.qaoa.devices import Watch, open_device

ANGLES = Angles((0.3,), (0.25,))


@pytest.fixture
def compiled_on():
    """Compiles the circuit of a model for a device; gives the device too."""

    def make(model, name, mixer="x", angles=ANGLES):
        device = open_device(name)
        device.load()
        watch = Watch(Budget().start(), Progress())
        return device, device.compile(Ansatz.of(model, mixer).at(angles), 1, watch)

    return make


@pytest.fixture
def noisy_mean():
    """Exact mean of an observable over a noisy circuit's shots, readout errors aside."""

    def make(observable, circuit, noise):
        from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit
        from qopt.solvers.qaoa.simulate.sampling import to_bits

        ready = NoisyCircuit(circuit, noise)
        probabilities = ready.density_matrix()
        bits = to_bits(np.arange(2**circuit.num_qubits), circuit.num_qubits)
        order = [qubit for _, qubit in ready._measured]
        return float(probabilities @ observable.values(bits[:, order]))

    return make
