import sys

import numpy as np
import pytest

from qopt.errors import SizeError, UnknownNameError, UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Progress
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost
from qopt.solvers.qaoa.devices import DeviceOptions, Watch, open_device
from qopt.solvers.qaoa.devices.depolarising import DepolarisingDevice
from qopt.solvers.qaoa.devices.ibm_calibration import device_names, device_qubits
from qopt.solvers.qaoa.simulate import reference

ANGLES = Angles((0.2,), (-0.4,))


def mean_energy(model, samples) -> float:
    return float(model.energies(samples.bits).mean())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("aer:torinno", "aer:torino"),
        ("aer:nighthawk", "choose from|did you mean"),  # its error rates are invented
        ("state-vector", "statevector"),
    ],
)
def test_an_unknown_device_is_refused_with_suggestions(name, hint):
    with pytest.raises(UnknownNameError, match=hint):
        open_device(name)


def test_qubits_are_those_of_the_package():
    from qiskit_ibm_runtime.fake_provider import FakeFez, FakeGuadalupeV2, FakeTorino

    for name, backend in (("fez", FakeFez), ("guadalupe", FakeGuadalupeV2), ("torino", FakeTorino)):
        assert device_qubits(name) == backend().num_qubits


def test_names_of_devices_are_found_without_importing_them():
    assert {"torino", "fez", "sherbrooke", "brisbane"} <= set(device_names())
    import subprocess

    code = (
        "import sys\nfrom qopt.solvers.qaoa import Qaoa\nQaoa(device='aer:torino')\n"
        "assert not {'qiskit', 'qiskit_ibm_runtime', 'qiskit_aer', 'numba', 'scipy'} & "
        "set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "name", ["depolarizing:", "depolarizing:0.1", "depolarizing:a;b;c", "depolarizing:0;0;0.7",
             "depolarizing:0;-0.1;0", "depolarizing:nan;0;0"]
)
def test_a_depolarising_device_takes_three_probabilities(name):
    with pytest.raises(UsageError, match=r"depolarising|between"):
        open_device(name)


def test_a_depolarising_device_reads_its_numbers():
    for separator in ";,/":
        device = open_device(separator.join(["depolarizing:0.001", "0.01", "0.02"]))
        assert isinstance(device, DepolarisingDevice)
        assert (device.one, device.two, device.readout) == (0.001, 0.01, 0.02)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("statevector", {"trajectories": 5}),
        ("statevector", {"level": 1}),
        ("depolarizing:0;0;0", {"tries": 2}),
    ],
)
def test_options_that_would_not_act_are_refused(name, options):
    with pytest.raises(UsageError, match="leave out"):
        open_device(name, DeviceOptions(**options))


def test_registers_that_do_not_fit(watch):
    for name, size, message in (
        ("aer:torino", 25, "at most 24 qubits.*simulated with its noise"),
        ("aer:lima", 6, "at most 5 qubits.*usable, connected"),
        ("aer:kyoto", 2, "at most 1 qubits"),  # every coupling of its calibration is dead
        ("depolarizing:0;0;0", 25, "at most 24 qubits"),
        ("statevector", 27, "at most 26 qubits"),
    ):
        device = open_device(name)
        device.load()
        with pytest.raises(SizeError, match=message):
            device.check_size(Ansatz(Cost.of(Qubo.from_arrays(np.ones(size)))))


def test_the_ideal_device_samples_the_textbook_state(random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(4)), ANGLES)
    device = open_device("statevector")
    device.load()
    compiled = device.compile(ansatz, 0, watch)
    bits = device.sample(compiled, 20_000, 1, watch).bits
    shares = np.bincount(bits @ (1 << np.arange(4)), minlength=16) / 20_000
    expected = np.abs(reference.state(ansatz)) ** 2
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / 20_000))
    assert compiled.seconds(1000) is None


@pytest.mark.parametrize("trajectories", [None, 1000])
def test_routed_qubits_come_back_to_their_variables(random_qubo, watch, trajectories):
    # A dense model with fields on a line of 5 has to be routed; a wrong order of bits would move
    # the mean energy by about its standard deviation over bit strings.
    model = random_qubo(5, seed=2)
    ansatz = Ansatz(Cost.of(model), ANGLES)
    device = open_device("aer:manila", DeviceOptions(trajectories=trajectories))
    device.load()
    compiled = device.compile(ansatz, 3, watch)
    assert compiled.circuit.count_ops()["cx"] > 20
    samples = device.sample(compiled, 4000, 1, watch)
    probabilities = np.abs(reference.state(ansatz)) ** 2
    bits = (np.arange(32)[:, None] >> np.arange(5)) & 1
    ideal = probabilities @ bits
    read = samples.bits.mean(axis=0)
    # Noise pulls every mean towards about a half, all alike.
    order = np.corrcoef(ideal, read)[0, 1]
    assert order > 0.97
    energy = mean_energy(model, samples)
    noiseless = float(probabilities @ model.energies(bits))
    assert noiseless < energy < Cost.of(model).offset
    assert samples.trajectories == trajectories


def test_compilations_leave_time_to_execute(random_qubo):
    watch = Watch(Budget(time_limit=1e-6).start(), Progress())
    device = open_device("aer:torino", DeviceOptions(level=1, tries=2))
    device.load()
    compiled = device.compile(Ansatz(Cost.of(random_qubo(4)), ANGLES), 3, watch)
    assert compiled.details["compiler"].endswith("; the time limit ended the search for others")


def test_a_watch_tells_shares_of_the_limit(monkeypatch):
    watch = Watch(Budget(time_limit=10.0).start(), Progress())
    monkeypatch.setattr(Clock, "elapsed", 6.0)
    assert watch.past(0.6)
    assert not watch.past(0.7)
    assert not Watch(Budget().start(), Progress()).past(0.1)


def test_a_calibrated_device_tells_what_it_ran(random_qubo, watch):
    device = open_device("aer:torino", DeviceOptions(level=1, tries=2))
    device.load()
    compiled = device.compile(Ansatz(Cost.of(random_qubo(4)), ANGLES), 3, watch)
    again = device.compile(Ansatz(Cost.of(random_qubo(4)), ANGLES), 3, watch)
    assert compiled.physical == again.physical
    assert compiled.success_probability == again.success_probability
    assert 0.5 < compiled.success_probability < 1.0
    assert len(compiled.physical) == compiled.circuit.num_qubits == 4
    assert compiled.details["calibration_date"] == "2025-02-26T15:26:08-05:00"
    assert compiled.details["compiler"].endswith(" circuits")
    parts = compiled.details["success"]
    assert np.prod(list(parts.values())) == pytest.approx(compiled.success_probability)
    # IBM's form: a delay of 250 us beside the circuit for each shot; the tariff adds 2 s a job
    assert compiled.duration < 20e-6
    assert compiled.seconds(1000) == pytest.approx(1000 * (250e-6 + compiled.duration))


def test_more_noise_gives_worse_samples(random_qubo, watch):
    model = random_qubo(5)
    ansatz = Ansatz(Cost.of(model), ANGLES)
    energies, successes = [], []
    for two in ("0", "0.05", "0.3"):
        device = open_device(f"depolarizing:0;{two};0")
        device.load()
        compiled = device.compile(ansatz, 0, watch)
        energies.append(mean_energy(model, device.sample(compiled, 20_000, 1, watch)))
        successes.append(compiled.success_probability)
    assert energies == sorted(energies)
    assert successes == pytest.approx([1.0, 0.95**10, 0.7**10])
