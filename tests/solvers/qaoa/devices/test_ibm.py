"""IBM: the runtime's local mode as it is, and its REST interface with answers by its schema."""

import json
import logging
import re
import traceback
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import vendors
from qiskit_aer import AerSimulator

from qopt.devices import describe
from qopt.errors import CredentialsError, SizeError, UnknownNameError, UsageError, VendorError
from qopt.forms import Qubo
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.devices import DeviceOptions, open_device
from qopt.solvers.qaoa.devices.ibm import on_device, sampler
from qopt.solvers.qaoa.devices.ibm_calibration import packaged_calibration
from qopt.solvers.qaoa.target_of import target_of

runtime = pytest.importorskip("qiskit_ibm_runtime")
jwt = pytest.importorskip("jwt")

KEY = "s3cr3t-of-ibm"
CRN = "crn:v1:bluemix:public:quantum-computing:us-east:a/abc:def::"


def sample(device, ansatz, watch, shots=2000, seed=3):
    return device.sample(device.compile(ansatz, 1, watch), shots, seed, watch)


@pytest.fixture(scope="module")
def manila():
    device = open_device("ibm:fake_manila", DeviceOptions(level=1, tries=1))
    device.load()
    return device


# -- the local mode -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SamplerV2", "its successor"])
def test_the_local_mode_samples_the_circuit_with_noise(
    manila, lopsided, watch, kind, monkeypatch, distance
):
    if kind != "SamplerV2":
        pytest.importorskip("qiskit_ibm_runtime.executor_sampler")
        monkeypatch.delattr(runtime, "SamplerV2")
    samples = sample(manila, lopsided, watch, shots=8000)
    assert 0.005 < distance(samples.bits, exact(lopsided)) < 0.2
    again = sample(manila, lopsided, watch, shots=8000)
    assert np.array_equal(samples.bits, again.bits)
    other = sample(manila, lopsided, watch, shots=8000, seed=4)
    assert not np.array_equal(samples.bits, other.bits)


def test_a_whole_run_in_the_local_mode():
    model = Qubo.from_arrays([1.0, -2.0, 3.0], [0, 1], [1, 2], [1.0, -1.5])
    solver = Qaoa(device="ibm:fake_manila", shots=500, angles=(0.4, 0.3))
    found, again = (solver.solve(model, Budget(), 1, Progress()) for _ in range(2))
    assert found.usage.simulated
    assert found.usage.device_seconds > 0.0
    assert found.counts.sum() == 500
    assert np.array_equal(found.answers, again.answers)


def test_an_interrupt_ends_a_local_run(manila, lopsided, watch):
    compiled = manila.compile(lopsided, 1, watch)
    watch.progress.stop()
    assert len(manila.sample(compiled, 2000, 3, watch).bits) == 0


def test_angles_are_bound_after_compiling(manila, lopsided, watch, distance):
    bind = manila.prepare(lopsided, 2, 1, watch)
    bits = manila.sample(bind(lopsided.angles), 8000, 3, watch).bits
    assert distance(bits, exact(lopsided)) < 0.2


def test_the_circuit_is_sent_on_the_devices_own_qubits(manila, lopsided, watch):
    compiled = manila.compile(lopsided, 1, watch)
    full = on_device(compiled, 5)
    target = target_of(packaged_calibration("manila"))
    assert full.num_qubits == 5
    for step in full.data:
        on = tuple(full.find_bit(qubit).index for qubit in step.qubits)
        assert target.instruction_supported(step.operation.name, on)


def test_fake_devices_are_described_and_limited(manila, random_qubo):
    told = describe("ibm:fake_manila")
    assert (told.qubits, told.simulated, told.couples_all) == (5, True, False)
    with pytest.raises(SizeError, match="at most 5 qubits"):
        manila.check_size(Ansatz.of(random_qubo(6), "x"))


@pytest.mark.parametrize("name", [
    "ibm:fake_manilla", "ibm:", "ibm", "ibm:a b", "ibm:fake_nighthawk",
])
def test_unknown_names_are_refused(name):
    with pytest.raises(UnknownNameError):
        open_device(name, DeviceOptions())


def test_options_that_cannot_act_are_refused():
    open_device("ibm:fake_manila", DeviceOptions(level=1, tries=2))
    open_device("ibm:torino", DeviceOptions(resubmit=True))
    with pytest.raises(UsageError, match="leave out trajectories"):
        open_device("ibm:torino", DeviceOptions(trajectories=2))


# -- the service ----------------------------------------------------------------------------------


class Service:
    """IBM's interface for a device like Manila; jobs are executed by the runtime's local mode."""

    def __init__(self, http):
        backend = import_module("qiskit_ibm_runtime.fake_provider").FakeManilaV2()
        folder = Path(backend.dirname)
        self.backend = backend
        self.texts = {
            "configuration": (folder / backend.conf_filename).read_text(encoding="utf-8"),
            "properties": (folder / backend.props_filename).read_text(encoding="utf-8"),
        }
        conf = json.loads(self.texts["configuration"]) | {"backend_name": "ibm_far"}
        self.texts["configuration"] = json.dumps(conf)
        self.jobs, self.posts = {}, 0
        self.refusals, self.faults, self.status, self.login = [], [], "Completed", 200
        for method in ("GET", "POST"):
            http.add_callback(method, re.compile("https?://.*"), callback=self.answer)

    def answer(self, request):
        code, data = self._route(request, request.url.partition("?")[0])
        text = data if isinstance(data, str) else json.dumps(data)
        return code, {"Content-Type": "application/json"}, text

    def _route(self, request, url):
        if "identity/token" in url:
            if self.login != 200:
                return self.login, {
                    "errorCode": "BXNIM0415E",
                    "errorMessage": "Provided API key could not be found.",
                }
            claims = {"iam_id": "1", "account": {"bss": "abc"}, "exp": 4102444800, "iat": 1}
            token = jwt.encode(claims, "k" * 40, algorithm="HS256")
            return 200, {
                "access_token": token, "refresh_token": "r", "token_type": "Bearer",
                "expires_in": 3600, "expiration": 4102444800,
            }
        if "global-search" in url:
            return 200, {"items": [{
                "crn": CRN, "name": "i", "doc": {"extensions": {"q": {"v": 600}}}, "tags": [],
                "service_plan_unique_id": "x",
            }], "limit": 100}
        if "globalcatalog" in url:
            return 200, {
                "metadata": {"pricing": {"type": "free"}},
                "overview_ui": {"en": {"display_name": "Open Plan"}},
            }
        if "instances/usage" in url:
            return 200, {"usage_consumed_seconds": 1, "usage_limit_seconds": 600,
                         "usage_remaining_seconds": 599, "usage_limit_reached": False}
        if "/backends" in url:
            return self._backend(url)
        return self._job(request, url.partition("/api/v1/jobs")[2].strip("/"))

    def _backend(self, url):
        for part, text in self.texts.items():
            if url.endswith(part):
                return 200, text
        if url.endswith("status"):
            return 200, {"state": True, "status": "active", "message": "", "length_queue": 0,
                         "backend_version": "1", "name": "ibm_far"}
        return 200, {"devices": [{"name": "ibm_far", "status": {"name": "online"}, "qubits": 5,
                                  "queue_length": 0}]}

    def _job(self, request, tail):
        if request.method == "POST":
            return self._submit(json.loads(request.body))
        if self.faults:
            return self.faults.pop(0)
        if not tail:
            found = [self._about(job) for job, body in self.jobs.items()
                     if body["tags"][0] in request.url]
            return 200, {"jobs": found, "count": len(found), "limit": 1, "offset": 0}
        job, _, what = tail.partition("/")
        if what == "results":
            return 200, self._result(self.jobs[job])
        if what == "metrics":
            return 200, {
                "timestamps": {"created": "2026-05-28T20:00:00Z",
                               "running": "2026-05-28T20:10:00Z",
                               "finished": "2026-05-28T20:10:05.5Z"},
                "usage": {"status": "final", "qpu_charge_time_seconds": 4,
                          "quantum_seconds": 4},
            }
        return 200, self._about(job)

    def _submit(self, body):
        self.posts += 1
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None and refusal[0] < 500:
            return refusal
        job = f"d0{len(self.jobs)}far"
        self.jobs[job] = body
        return refusal or (200, {"id": job, "backend": "ibm_far"})

    def _about(self, job):
        return {
            "id": job, "backend": "ibm_far", "status": self.status,
            "state": {"status": self.status, "reason": f"coils too warm {KEY}"},
            "program": {"id": "sampler"}, "created": "2026-05-28T20:00:00Z",
            "tags": self.jobs[job]["tags"],
        }

    def _result(self, body):
        """What the runtime's own local mode makes of the circuit that was sent."""
        params = json.loads(json.dumps(body["params"]), cls=runtime.RuntimeDecoder)
        circuit, _, shots = (*params["pubs"][0], None, None)[:3]
        local = sampler(AerSimulator(), {"simulator": {"seed_simulator": 5}})
        result = local.run([circuit], shots=shots).result()
        return json.dumps(result, cls=runtime.RuntimeEncoder)


@pytest.fixture
def service(monkeypatch, tmp_path):
    responses = pytest.importorskip("responses")
    for name in ("QISKIT_IBM_URL", "QISKIT_IBM_CHANNEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QISKIT_IBM_TOKEN", KEY)
    monkeypatch.setenv("QISKIT_IBM_INSTANCE", CRN)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        yield Service(http)


def opened(name="ibm:far"):
    device = open_device(name, DeviceOptions(level=1, tries=1))
    device.load()
    return device


def test_shots_come_back_in_the_order_of_variables(service, lopsided, watch, agree):
    device = opened()
    samples = sample(device, lopsided, watch)
    agree(samples.bits, exact(lopsided))  # the service here has no noise
    assert not device.simulated
    assert samples.device_seconds == 4.0
    assert samples.details["job"]["queue_seconds"] == 600.0
    assert samples.details["job"]["execution_seconds"] == 5.5
    body = next(iter(service.jobs.values()))
    assert (body["program_id"], body["backend"]) == ("sampler", "ibm_far")


def test_a_second_run_submits_nothing_even_after_a_calibration(service, lopsided, watch):
    first = sample(opened(), lopsided, watch)
    later = opened()
    compiled = later.compile(lopsided, 2, watch)  # another layout
    second = later.sample(compiled, 2000, 3, watch)
    assert service.posts == 1
    assert np.array_equal(first.bits, second.bits)


def test_a_circuit_that_was_changed_after_compiling_is_another_job(service, lopsided, watch):
    first, second, third = opened(), opened(), opened()
    first.sample(first.compile(lopsided, 1, watch), 2000, 3, watch)
    compiled = second.compile(lopsided, 1, watch)
    folded = compiled.circuit.copy_empty_like()
    folded.x(0)
    folded.x(0)
    folded = folded.compose(compiled.circuit)
    second.sample(replace(compiled, circuit=folded), 2000, 3, watch)
    assert service.posts == 2
    third.sample(third.compile(lopsided, 1, watch), 2000, 3, watch)
    assert service.posts == 2


def test_throttling_is_waited_out(service, lopsided, watch):
    service.refusals = [(429, {"errors": [{"message": "too many"}]})]
    assert len(sample(opened(), lopsided, watch).bits) == 2000
    assert (service.posts, len(service.jobs)) == (2, 1)


def test_a_submission_of_unknown_fate_is_looked_for(service, lopsided, watch):
    service.refusals = [(505, {"errors": [{"message": "oops"}]})]
    assert len(sample(opened(), lopsided, watch).bits) == 2000
    assert service.posts == len(service.jobs) == 1


def test_reading_is_repeated(service, lopsided, watch):
    service.faults = [(429, {}), (505, {})]
    assert len(sample(opened(), lopsided, watch).bits) == 2000
    assert service.posts == 1


def test_a_failed_job_tells_why(service, lopsided, watch):
    service.status = "Failed"
    with pytest.raises(VendorError, match=r"failed at IBM Quantum.*") as caught:
        sample(opened(), lopsided, watch)
    assert KEY not in str(caught.value)


def test_a_refused_circuit_tells_why(service, lopsided, watch):
    service.refusals = [(400, {"errors": [{"message": "not ISA"}]})]
    with pytest.raises(VendorError, match="IBM Quantum refused"):
        sample(opened(), lopsided, watch)


def test_another_device_of_the_account_is_named(service):
    with pytest.raises(UnknownNameError, match="ibm:ibm_far"):
        opened("ibm:fart")


def test_a_refused_key_is_told_and_never_shown(service, tmp_path, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    service.login = 400
    with pytest.raises(CredentialsError, match="QISKIT_IBM_TOKEN") as caught:
        opened()
    told, fault = "".join(traceback.format_exception(caught.value)), caught.value
    while fault is not None:
        told += repr(fault)
        fault = fault.__cause__ or fault.__context__
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capfd.readouterr()
    for text in (told, caplog.text, captured.out, captured.err, written.decode("latin-1")):
        assert KEY not in text


def test_a_missing_account_is_told(service, monkeypatch, tmp_path):
    monkeypatch.delenv("QISKIT_IBM_TOKEN")
    management = import_module("qiskit_ibm_runtime.accounts.management")
    monkeypatch.setattr(
        management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(tmp_path / "none.json")
    )
    with pytest.raises(CredentialsError, match="save an account once"):
        opened()


def exact(ansatz):
    """Exact probabilities; bit i of the index is variable i."""
    return vendors.exact(build_circuit(ansatz))


@pytest.fixture
def distance():
    """Total variation distance of shots from a distribution."""

    def measure(bits, probabilities) -> float:
        index = bits.astype(np.int64) @ (1 << np.arange(bits.shape[1]))
        shares = np.bincount(index, minlength=len(probabilities)) / len(bits)
        return 0.5 * float(np.abs(shares - probabilities).sum())

    return measure
