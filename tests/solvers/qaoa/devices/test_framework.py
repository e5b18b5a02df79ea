"""Simulators of other frameworks as devices; each where it is installed."""

import subprocess
import sys

import numpy as np
import pytest

from qopt import registry
from qopt.devices import describe, device_sizes, family_spec
from qopt.errors import MissingPackageError, SizeError, UnknownNameError, UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.devices import DeviceOptions, Watch, open_device
from qopt.solvers.qaoa.simulate import reference

ANGLES = Angles((0.2,), (-0.4,))
NAMES = (
    "qulacs", "cirq", "braket:local", "pennylane:default.qubit", "pennylane:lightning.qubit"
)


def installed(name: str):
    missing = family_spec(name).missing()
    reason = f"needs {', '.join(missing)}"
    return pytest.param(name, marks=pytest.mark.skipif(bool(missing), reason=reason))


@pytest.fixture(params=[installed(name) for name in NAMES])
def device(request):
    found = open_device(request.param)
    found.load()
    return found


def test_samples_are_of_the_textbook_state_and_of_their_seed(device, random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(4)), ANGLES)
    compiled = device.compile(ansatz, 0, watch)
    samples = device.sample(compiled, 20_000, 1, watch)
    shares = np.bincount(samples.bits @ (1 << np.arange(4)), minlength=16) / 20_000
    expected = np.abs(reference.state(ansatz)) ** 2
    np.testing.assert_allclose(shares, expected, atol=4 * np.sqrt(0.25 / 20_000))
    again, other = (device.sample(compiled, 20_000, seed, watch).bits for seed in (1, 2))
    np.testing.assert_array_equal(again, samples.bits)
    assert (other != samples.bits).any()
    own = open_device("statevector").sample(compiled, 20_000, 1, watch).bits
    np.testing.assert_array_equal(own, samples.bits)
    assert (samples.bits.dtype, samples.trajectories, compiled.seconds(1000)) == (
        np.int8, None, None,
    )
    assert (device.simulated, device.hypothetical, device.noisy) == (True, True, False)


def test_groups_are_kept(device, random_qubo, watch):
    groups = [Group((0, 3, 1), 1), Group((2, 4, 6), 2)]
    model = random_qubo(7).with_groups(groups)
    bind = device.prepare(Ansatz.of(model, "complete"), 1, 0, watch)
    bits = device.sample(bind(ANGLES), 200, 1, watch).bits
    assert not model.group_violations(bits).any()


def test_variants_are_sampled_as_on_the_own_simulator(device, random_qubo, watch):
    cost, generator = Cost.of(random_qubo(4)), np.random.default_rng(2)
    terms = TermAngles(generator.normal(size=(1, cost.terms)), generator.normal(size=(1, 4)))
    for angles, tilts in ((ANGLES, generator.uniform(0.0, np.pi, 4)), (terms, None)):
        compiled = device.compile(Ansatz(cost, angles, tilts=tilts), 0, watch)
        own, theirs = (
            each.sample(compiled, 500, 1, watch).bits
            for each in (open_device("statevector"), device)
        )
        np.testing.assert_array_equal(own, theirs)


def test_threads_change_nothing(device, random_qubo, watch):
    import numba

    ansatz = Ansatz(Cost.of(random_qubo(12)), ANGLES)
    before, compiled = numba.get_num_threads(), device.compile(ansatz, 0, watch)
    one, two = (
        open_device(device.name, DeviceOptions(threads=threads)).sample(compiled, 500, 1, watch)
        for threads in (1, 2)
    )
    np.testing.assert_array_equal(one.bits, two.bits)
    assert numba.get_num_threads() == before


def test_bits_are_those_that_qubits_are_measured_into(device, random_qubo, watch):
    from dataclasses import replace

    from qiskit import QuantumCircuit

    compiled = device.compile(Ansatz(Cost.of(random_qubo(3)), ANGLES), 0, watch)
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.measure(range(3), [1, 2, 0])
    bits = device.sample(replace(compiled, circuit=circuit), 5, 1, watch).bits
    np.testing.assert_array_equal(bits, [[0, 1, 0]] * 5)


def test_registers_that_do_not_fit_are_refused(device):
    with pytest.raises(SizeError, match=r"at most \d+ qubits, the model has 30"):
        device.check_size(Ansatz(Cost.of(Qubo.from_arrays(np.ones(30)))))


def test_no_shots_come_back_after_the_limit(device, random_qubo, watch):
    compiled = device.compile(Ansatz(Cost.of(random_qubo(4)), ANGLES), 0, watch)
    over = Watch(Budget(time_limit=1e-6).start(), Progress())
    assert device.sample(compiled, 10, 1, over).bits.shape == (0, 4)


def test_what_a_device_is(device):
    found = describe(device.name)
    assert (found.name, found.couples_all, found.noisy) == (device.name, True, False)
    assert any(digit in found.facts["framework"] for digit in "123456789")
    assert device.name in {size.name for size in device_sizes()}


def test_options_that_would_not_act_are_refused(device):
    for options in ({"trajectories": 5}, {"level": 1}):
        with pytest.raises(UsageError, match="leave out"):
            open_device(device.name, DeviceOptions(**options))


def test_a_whole_run_is_that_on_the_own_simulator(device, random_qubo):
    model = random_qubo(5).with_groups([Group((0, 2, 3), 1)])
    ours, theirs = (
        Qaoa(device=name, shots=300).solve(model, Budget(), 4, Progress())
        for name in ("statevector", device.name)
    )
    assert ours.details["gammas"] == theirs.details["gammas"]
    assert theirs.usage.device == device.name
    assert "framework" in theirs.details
    assert model.energy(theirs.answers[0]) == pytest.approx(model.energy(ours.answers[0]))


@pytest.mark.parametrize("name", NAMES)
def test_unknown_devices_of_a_framework_are_refused_with_suggestions(name):
    if missing := family_spec(name).missing():
        pytest.skip(f"needs {', '.join(missing)}")
    family = name.partition(":")[0]
    with pytest.raises(UnknownNameError, match=name.replace(".", r"\.")):
        open_device(f"{family}:{name.partition(':')[2]}x")


def test_naming_a_device_imports_no_framework():
    names = [name for name in NAMES if not family_spec(name).missing()]
    code = (
        "import sys\nfrom qopt.solvers.qaoa import Qaoa\nfrom qopt.devices import device_sizes\n"
        f"for name in {names!r}:\n    Qaoa(device=name)\n"
        f"assert set({names!r}) <= {{size.name for size in device_sizes()}}\n"
        "assert not {'qulacs', 'qulacs_core', 'cirq', 'pennylane', 'braket.default_simulator', "
        "'qiskit', 'numba', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_framework_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(registry, "_installed", lambda module: False)
    with pytest.raises(MissingPackageError, match=r"cirq-core: pip install 'qopt-toolkit\[cirq\]'"):
        Qaoa(device="cirq")
