"""IonQ's interface, offline: answers are written by its published schema of version 0.4."""

import json
import logging
import re
import traceback
from dataclasses import replace

import numpy as np
import pytest
import requests
from vendors import exact, from_ionq

from qopt.devices import describe
from qopt.errors import CredentialsError, SizeError, UnknownNameError, UsageError, VendorError
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.devices import DeviceOptions, open_device
from qopt.solvers.qaoa.devices.ionq import _never_connected, instructions

responses = pytest.importorskip("responses")

KEY = "s3cr3t-of-ionq"
JOBS = "https://api.ionq.co/v0.4/jobs"


class Service:
    """IonQ's interface: keeps jobs, executes what was sent by its documented meaning."""

    def __init__(self, http):
        self.jobs: dict[str, dict] = {}
        self.posts = 0
        self.refusals: list = []
        self.faults: list = []
        self.status = "completed"
        self.rounded = False
        for method in ("GET", "POST"):
            http.add_callback(method, re.compile(re.escape(JOBS) + ".*"), callback=self.answer)
        http.add(
            "GET", "https://api.ionq.co/v0.4/backends/qpu.tempo-1",
            json={"backend": "qpu.tempo-1", "status": "available", "qubits": 64},
        )
        http.add(
            "GET", "https://api.ionq.co/v0.4/backends/qpu.none-1", status=404,
            json={"statusCode": 404, "error": "Not Found", "message": "no such backend"},
        )

    def answer(self, request):
        if request.headers["Authorization"] != f"apiKey {KEY}":
            return 401, {}, json.dumps({"error": "Unauthorized", "message": f"bad key {KEY}"})
        if request.method == "POST":
            return self._submit(json.loads(request.body))
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        tail = request.url.partition("?")[0].removeprefix(JOBS).strip("/")
        if not tail:
            return 200, {}, json.dumps({"jobs": list(self.jobs.values()), "next": None})
        job, _, what = tail.partition("/")
        return 200, {}, json.dumps(self._shares(job) if what else self._about(job))

    def _submit(self, body):
        self.posts += 1
        refusal = self.refusals.pop(0) if self.refusals else None
        if isinstance(refusal, tuple) and 400 <= refusal[0] < 500:
            return refusal
        job = f"e1a09d90-{len(self.jobs)}"
        self.jobs[job] = body | {"id": job}
        if isinstance(refusal, Exception):
            raise refusal
        return refusal or (200, {}, json.dumps({"id": job, "status": "submitted"}))

    def _about(self, job):
        return {
            "id": job, "status": self.status, "type": "ionq.circuit.v1",
            "backend": self.jobs[job]["backend"], "metadata": self.jobs[job]["metadata"],
            "submitted_at": "2026-05-28T20:47:05.440Z", "started_at": "2026-05-28T20:50:05.440Z",
            "completed_at": "2026-05-28T20:50:09.440Z", "execution_duration_ms": 3500,
            "failure": {"error": f"out of ions, {KEY}", "code": "internal_error"}
            if self.status == "failed" else None,
        }

    def _shares(self, job):
        shares = exact(from_ionq(self.jobs[job]["input"]))
        shots = self.jobs[job]["shots"]
        if self.rounded:  # as a device answers: whole shots
            shares = np.random.default_rng(5).multinomial(shots, shares / shares.sum()) / shots
        return {str(i): share for i, share in enumerate(shares.tolist()) if share > 0.0}


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", KEY)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        yield Service(http)


def opened(name="ionq:qpu.forte-1", **options):
    device = open_device(name, DeviceOptions(**options))
    device.load()
    return device


def sample(device, ansatz, watch, shots=4000, seed=3):
    return device.sample(device.compile(ansatz, 1, watch), shots, seed, watch)


@pytest.mark.parametrize("state", ["lopsided", "grouped"])
@pytest.mark.parametrize("name", ["ionq:simulator", "ionq:qpu.forte-1"])
def test_shots_come_back_in_the_order_of_variables(service, state, name, watch, agree, request):
    ansatz = request.getfixturevalue(state)
    service.rounded = "qpu" in name
    samples = sample(opened(name), ansatz, watch)
    agree(samples.bits, exact(build_circuit(ansatz)))
    assert ("counts" if service.rounded else "drawn here") in samples.method
    body = next(iter(service.jobs.values()))
    assert body["backend"] == name.removeprefix("ionq:")
    assert body["shots"] == 4000
    if service.rounded:
        assert body["settings"] == {"error_mitigation": {"debiasing": False}}
    else:
        assert body["noise"] == {"model": "ideal"}
    assert samples.device_seconds == 3.5
    assert samples.details["job"]["queue_seconds"] == 180.0
    assert samples.details["job"]["execution_seconds"] == 4.0


@pytest.mark.parametrize("mixer", ["x", "ring", "complete", "grover"])
def test_instructions_mean_what_the_circuit_means(grouped, mixer, random_qubo):
    model = random_qubo(5, 2)
    ansatz = Ansatz.of(model, "x") if mixer == "x" else grouped
    if mixer != "x":
        ansatz = replace(ansatz, mixer=mixer)
    circuit = build_circuit(ansatz.at(grouped.angles))
    sent = {"gateset": "qis", "qubits": 5, "circuit": instructions(circuit)}
    assert np.abs(exact(from_ionq(sent)) - exact(circuit)).max() < 1e-12


def test_the_payload_is_what_ionqs_own_provider_sends(lopsided):
    helpers = pytest.importorskip("qiskit_ionq.helpers")
    circuit = build_circuit(lopsided)
    theirs, _, _ = helpers.qiskit_circ_to_ionq_circ(circuit)
    assert [
        {k: v for k, v in gate.items() if v is not None} for gate in theirs
    ] == instructions(circuit)


def test_a_second_run_submits_nothing(service, lopsided, watch):
    first = sample(opened(), lopsided, watch)
    second = sample(opened(), lopsided, watch)
    assert service.posts == 1
    assert np.array_equal(first.bits, second.bits)
    again = opened()
    sample(again, lopsided, watch)
    sample(again, lopsided, watch)  # one run that asks twice wants two jobs
    assert service.posts == 2


def test_throttling_is_waited_out(service, lopsided, watch):
    service.refusals = [(429, {"Retry-After": "0"}, json.dumps({"message": "slow down"}))]
    assert len(sample(opened(), lopsided, watch).bits) == 4000
    assert (service.posts, len(service.jobs)) == (2, 1)


@pytest.mark.parametrize("fault", [
    (500, {}, "oops"), (502, {}, ""), (200, {}, "not json"), (200, {}, "{}"),
    requests.ReadTimeout("read timed out"), requests.ConnectionError("connection reset"),
])
def test_a_submission_of_unknown_fate_is_looked_for(service, lopsided, watch, fault):
    service.refusals = [fault]
    assert len(sample(opened(), lopsided, watch).bits) == 4000
    assert service.posts == len(service.jobs) == 1


def test_a_connection_that_never_was_is_tried_again(service, lopsided, watch):
    from urllib3.exceptions import MaxRetryError, NewConnectionError, ProxyError

    reason = MaxRetryError(None, "/", NewConnectionError(None, "refused"))
    service.refusals = [requests.ConnectTimeout("no route")]
    assert len(sample(opened(), lopsided, watch).bits) == 4000
    behind = MaxRetryError(None, "/", ProxyError("no proxy", NewConnectionError(None, "refused")))
    assert _never_connected(requests.ConnectionError(reason))
    assert _never_connected(requests.exceptions.ProxyError(behind))
    assert not _never_connected(requests.ConnectionError("reset"))


@pytest.mark.parametrize("fault", [
    (503, {}, ""), (429, {"Retry-After": "0"}, ""), requests.ReadTimeout("slow"),
])
def test_reading_is_repeated(service, lopsided, watch, fault):
    service.faults = [fault, fault]
    assert len(sample(opened(), lopsided, watch).bits) == 4000
    assert service.posts == 1


@pytest.mark.parametrize("answer", ["[]", '{"status": 5}', "no json", "{}"])
def test_a_malformed_answer_is_told(service, lopsided, watch, answer):
    service.faults = [(200, {}, answer)]
    with pytest.raises(VendorError, match="IonQ"):
        sample(opened(), lopsided, watch)
    assert len(sample(opened(), lopsided, watch).bits) == 4000  # the job itself is not lost
    assert service.posts == 1


def test_a_failed_job_tells_why(service, lopsided, watch):
    service.status = "failed"
    with pytest.raises(VendorError, match=r"out of ions, \*\*\*"):
        sample(opened(), lopsided, watch)


def test_a_definite_refusal_tells_why(service, lopsided, watch):
    service.refusals = [(400, {}, json.dumps({"message": "too many shots"}))]
    with pytest.raises(VendorError, match=r"HTTP 400.*too many shots"):
        sample(opened(), lopsided, watch)


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_told_and_never_shown(
    service, lopsided, watch, code, tmp_path, capfd, caplog
):
    caplog.set_level(logging.DEBUG)
    service.refusals = [(code, {}, json.dumps({"message": f"key {KEY} expired"}))]
    with pytest.raises(CredentialsError, match="IONQ_API_KEY") as caught:
        sample(opened(), lopsided, watch)
    told = "".join(traceback.format_exception(caught.value))
    fault = caught.value
    while fault is not None:
        told += repr(fault) + str(fault)
        fault = fault.__cause__ or fault.__context__
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capfd.readouterr()
    for text in (told, caplog.text, captured.out, captured.err, written.decode("latin-1")):
        assert KEY not in text
    assert caught.value.exit_code == 12


@pytest.mark.parametrize("key", ["", "  ", "two\nlines"])
def test_a_missing_key_is_told(monkeypatch, key):
    monkeypatch.setenv("IONQ_API_KEY", key)
    monkeypatch.delenv("IONQ_API_TOKEN", raising=False)
    with pytest.raises(CredentialsError, match="set the environment variable IONQ_API_KEY") as told:
        opened()
    assert "two" not in str(told.value)


def test_a_record_counts_measured_seconds_and_holds_no_key(service, random_qubo, capfd):
    service.rounded = True
    solver = Qaoa(device="ionq:qpu.forte-1", shots=200, angles=(0.4, 0.3))
    found = solver.solve(random_qubo(4), Budget(), 1, Progress())
    assert (found.usage.simulated, found.usage.device_seconds) == (False, 3.5)
    assert found.usage.success_probability is None
    assert found.counts.sum() == 200
    text = json.dumps(found.details) + found.reason + str(found.usage) + "".join(capfd.readouterr())
    assert KEY not in text
    assert "e1a09d90-0" in found.details["job"]["id"]


def test_an_unfinished_run_says_how_to_fetch(service, random_qubo):
    service.status = "ready"
    model = random_qubo(4)
    solver = Qaoa(device="ionq:qpu.forte-1", shots=200, angles=(0.4, 0.3))
    found = solver.solve(model, Budget(time_limit=2.0), 1, Progress())
    assert "job e1a09d90-0 waited at IonQ" in found.reason
    assert found.details["gammas"] == [0.4]
    assert found.usage.circuits == 0
    service.status = "completed"
    assert solver.solve(model, Budget(), 1, Progress()).counts.sum() == 200
    assert service.posts == 1


def test_training_under_noise_does_not_send_paid_jobs():
    with pytest.raises(UsageError, match="would submit a job"):
        Qaoa(device="ionq:qpu.forte-1", training="spsa", training_noise=True)


def test_resubmit_acts_on_vendors_alone():
    Qaoa(device="ionq:qpu.forte-1", resubmit=True)
    for device in ("statevector", "mps", "aer:manila", "ibm:fake_manila"):
        with pytest.raises(UsageError, match="leave out resubmit"):
            Qaoa(device=device, resubmit=True)


@pytest.mark.parametrize("name", ["ionq:forte", "ionq:", "ionq:qpu.", "ionq:qpu.a/b", "ionq"])
def test_unknown_names_are_refused(name):
    with pytest.raises(UnknownNameError):
        open_device(name)


def test_devices_that_came_later_are_asked_for(service):
    assert describe("ionq:qpu.tempo-1").qubits == 64
    with pytest.raises(UnknownNameError, match=r"qpu\.none-1"):
        describe("ionq:qpu.none-1")
    assert not describe("ionq:qpu.forte-1").simulated


def test_too_many_qubits_are_refused(service, random_qubo):
    with pytest.raises(SizeError, match="at most 29 qubits"):
        opened("ionq:simulator").check_size(Ansatz.of(random_qubo(30), "x"))
