"""Amazon Braket offline: botocore checks every request and answer against the service's model."""

import json
import logging
import traceback
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO

import numpy as np
import pytest
from vendors import exact, from_braket

from qopt.errors import CredentialsError, UnknownNameError, UsageError, VendorError
from qopt.pricing import charge, price_list
from qopt.solver import Budget, Progress, Usage
from qopt.solvers.qaoa.circuit import build_circuit
from qopt.solvers.qaoa.devices import DeviceOptions, Watch, braket_cloud
from qopt.solvers.qaoa.devices.braket_cloud import (
    BraketTask,
    Client,
    describe_arn,
    open_arn,
    openqasm,
)

pytest.importorskip("boto3")
stub = pytest.importorskip("botocore.stub")
from botocore.exceptions import (  # noqa: E402 - where it is installed
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

ARN = "arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1"
NAME = f"braket:{ARN}"
TASK = "arn:aws:braket:us-east-1:123456789012:quantum-task/0a1b"
SECRET, TOKEN = "s3cr3t-of-aws", "s3ss10n-of-aws"
ALL = ("h", "x", "rx", "ry", "rz", "cnot", "xx", "yy", "zz")
WHEN = datetime(2026, 5, 28, 20, 0, tzinfo=UTC)


STUBBED = []


@lru_cache(maxsize=1)
def shared_client():
    """One for all: reading the services' models takes a second."""
    return Client("us-east-1")


def release():
    """Leave the shared client as it was."""
    while STUBBED:
        STUBBED.pop().deactivate()


@pytest.fixture(autouse=True)
def _fresh():
    yield
    release()


@pytest.fixture(autouse=True)
def _credentials(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", TOKEN)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("QOPT_BRAKET_S3", "s3://amazon-braket-mine/here")


def capabilities(gates=ALL, status="ONLINE", qubits=36, shots=(1, 5000)):
    told = {
        "braketSchemaHeader": {"name": "braket.device_schema.ionq.ionq_device_capabilities"},
        "service": {"shotsRange": list(shots)},
        "action": {"braket.ir.openqasm.program": {"supportedOperations": list(gates)}},
        "paradigm": {"qubitCount": qubits, "connectivity": {"fullyConnected": True}},
    }
    return {
        "deviceArn": ARN, "deviceName": "Forte 1", "providerName": "IonQ", "deviceType": "QPU",
        "deviceStatus": status, "deviceCapabilities": json.dumps(told),
    }


class Service:
    """A device with stubbed clients; `expect` says what is called next."""

    def __init__(self, name=NAME, **about):
        self.device = open_arn(name, DeviceOptions())
        release()
        client = shared_client()
        self.braket, self.s3 = stub.Stubber(client._braket), stub.Stubber(client._s3)
        for stubber in (self.braket, self.s3):
            stubber.activate()
            STUBBED.append(stubber)
        self.braket.add_response(
            "get_device", capabilities(**about), {"deviceArn": self.device.arn}
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(braket_cloud, "Client", lambda region: client)
            self.device.load()

    def expect_submission(self, **wanted):
        expected = {
            "action": stub.ANY, "clientToken": stub.ANY, "deviceArn": ARN, "shots": 1000,
            "outputS3Bucket": "amazon-braket-mine", "outputS3KeyPrefix": "here",
            "tags": stub.ANY, **wanted,
        }
        self.braket.add_response("create_quantum_task", {"quantumTaskArn": TASK}, expected)

    def expect_state(self, status="COMPLETED", **more):
        self.braket.add_response("get_quantum_task", {
            "quantumTaskArn": TASK, "status": status, "deviceArn": ARN, "deviceParameters": "{}",
            "shots": 1000, "outputS3Bucket": "amazon-braket-mine",
            "outputS3Directory": "here/0a1b", "createdAt": WHEN,
            "endedAt": WHEN + timedelta(seconds=90), **more,
        }, {"quantumTaskArn": TASK})

    def expect_result(self, result):
        self.expect_state()
        text = result if isinstance(result, bytes) else json.dumps(result).encode()
        self.s3.add_response("get_object", {"Body": BytesIO(text)}, {
            "Bucket": "amazon-braket-mine", "Key": "here/0a1b/results.json",
        })

    def expect_search(self, *keys):
        tasks = [{
            "quantumTaskArn": TASK, "status": "QUEUED", "deviceArn": ARN, "shots": 1000,
            "outputS3Bucket": "b-b-b", "outputS3Directory": "d", "createdAt": WHEN,
            "tags": {"qopt": key},
        } for key in keys]
        self.braket.add_response("search_quantum_tasks", {"quantumTasks": tasks}, {
            "filters": [{"name": "deviceArn", "operator": "EQUAL", "values": [ARN]}],
        })

    def sample(self, ansatz, watch):
        compiled = self.device.compile(ansatz, 1, watch)
        samples = self.device.sample(compiled, 1000, 3, watch)
        self.braket.assert_no_pending_responses()
        self.s3.assert_no_pending_responses()
        return samples


def result_of(ansatz, *, shuffle=False, shares=False, seconds=None):
    """A result file by Braket's schema, with shots of what the circuit sent means."""
    probabilities = exact(from_braket(openqasm(build_circuit(ansatz), ALL)))
    n = int(np.log2(len(probabilities)))
    index = np.random.default_rng(1).choice(len(probabilities), 1000, p=probabilities)
    order = list(reversed(range(n))) if shuffle else list(range(n))
    rows = (index[:, None] >> np.array(order)) & 1
    metadata = {"action": {}}
    if seconds is not None:
        metadata["simulatorMetadata"] = {"executionDuration": int(1000 * seconds)}
    result = {
        "braketSchemaHeader": {"name": "braket.task_result.gate_model_task_result", "version": "1"},
        "measuredQubits": order, "measurements": rows.tolist(), "resultTypes": [],
        "taskMetadata": {"id": TASK, "deviceId": ARN, "shots": 1000},
        "additionalMetadata": metadata,
    }
    if shares:
        texts, counts = np.unique(["".join(map(str, r)) for r in rows], return_counts=True)
        result["measurements"] = None
        result["measurementProbabilities"] = dict(
            zip(texts.tolist(), (counts / 1000).tolist(), strict=True)
        )
    return result


@pytest.mark.parametrize("state", ["lopsided", "grouped"])
@pytest.mark.parametrize("form", [{}, {"shuffle": True}, {"shares": True},
                                  {"shares": True, "shuffle": True}])
def test_shots_come_back_in_the_order_of_variables(form, state, watch, agree, request):
    ansatz = request.getfixturevalue(state)
    service = Service()
    service.expect_submission()
    service.expect_state("QUEUED")
    service.expect_state()
    service.expect_result(result_of(ansatz, **form))
    samples = service.sample(ansatz, watch)
    agree(samples.bits, exact(build_circuit(ansatz)))
    assert samples.details["job"]["id"] == TASK
    assert samples.device_seconds is None
    assert not service.device.simulated


def test_a_simulators_seconds_are_told_apart_from_the_queue(lopsided, watch):
    service = Service()
    service.expect_submission()
    service.expect_state()
    service.expect_result(result_of(lopsided, seconds=4.0))
    samples = service.sample(lopsided, watch)
    assert samples.device_seconds == 4.0
    assert samples.details["job"]["queue_seconds"] == 86.0


def test_the_order_is_token_and_tag(lopsided, watch):
    service = Service()
    compiled = service.device.compile(lopsided, 1, watch)
    key = service.device._orders.order(compiled.circuit, 1000, 3).key
    service.device._orders._asked.clear()
    service.expect_submission(clientToken=key, tags={"qopt": key})
    service.expect_state()
    service.expect_result(result_of(lopsided))
    assert len(service.sample(lopsided, watch).bits) == 1000


@pytest.mark.parametrize("gates", [ALL, ("h", "x", "rx", "ry", "rz", "cnot"), ("cz", "cnot")])
@pytest.mark.parametrize("state", ["lopsided", "grouped"])
def test_the_program_means_what_the_circuit_means(state, gates, request):
    circuit = build_circuit(request.getfixturevalue(state))
    source = openqasm(circuit, gates)
    assert ("zz(" in source) == ("zz" in gates)
    assert np.abs(exact(from_braket(source)) - exact(circuit)).max() < 1e-12


@pytest.mark.parametrize("state", ["lopsided", "grouped"])
def test_brakets_own_simulator_reads_the_program(state, request, agree):
    simulator = pytest.importorskip("braket.default_simulator")
    ir = pytest.importorskip("braket.ir.openqasm")
    circuit = build_circuit(request.getfixturevalue(state))
    source = openqasm(circuit, ALL)
    found = simulator.StateVectorSimulator().run(ir.Program(source=source), shots=20000)
    task = BraketTask(None, ARN, source, circuit.num_clbits, 20000, 1)
    bits, _ = task._shots_of(json.loads(found.json()))  # the very file that Braket writes
    agree(bits, exact(circuit))


def test_a_second_run_creates_no_task(lopsided, watch):
    service = Service()
    service.expect_submission()
    service.expect_state()
    service.expect_result(result_of(lopsided))
    first = service.sample(lopsided, watch)
    later = Service()
    later.expect_state()
    later.expect_result(result_of(lopsided))
    assert np.array_equal(first.bits, later.sample(lopsided, watch).bits)


def test_throttling_is_waited_out(lopsided, watch):
    service = Service()
    service.braket.add_client_error("create_quantum_task", "ThrottlingException", "slow down", 429)
    service.expect_submission()
    service.braket.add_client_error("get_quantum_task", "ThrottlingException", "slow down", 429)
    service.braket.add_client_error("get_quantum_task", "InternalServiceException", "oops", 500)
    service.expect_state()
    service.expect_result(result_of(lopsided))
    assert len(service.sample(lopsided, watch).bits) == 1000


@pytest.mark.parametrize("taken", [True, False])
def test_a_submission_of_unknown_fate_is_looked_for(lopsided, watch, taken):
    service = Service()
    compiled = service.device.compile(lopsided, 1, watch)
    key = service.device._orders.order(compiled.circuit, 1000, 3).key
    service.device._orders._asked.clear()
    service.braket.add_client_error("create_quantum_task", "InternalServiceException", "oops", 500)
    service.expect_search("another", *([key] if taken else []))
    if not taken:
        service.expect_submission(clientToken=key)
    service.expect_state()
    service.expect_result(result_of(lopsided))
    assert len(service.sample(lopsided, watch).bits) == 1000


@pytest.mark.parametrize(("fault", "kind"), [
    (EndpointConnectionError(endpoint_url="https://x"), "Busy"),
    (ConnectTimeoutError(endpoint_url="https://x"), "Busy"),
    (ReadTimeoutError(endpoint_url="https://x"), "Unsure"),
])
def test_faults_of_the_network_are_told_apart(fault, kind):
    def call():
        raise fault

    client = shared_client()
    with pytest.raises(Exception, match="cannot be reached") as submitting:
        client._attempt(call, submission=True)
    assert type(submitting.value).__name__ == kind
    with pytest.raises(Exception, match="cannot be reached") as reading:
        client._attempt(call, submission=False)
    assert type(reading.value).__name__ == "Busy"


def test_a_failed_task_tells_why(lopsided, watch):
    service = Service()
    service.expect_submission()
    service.expect_state("FAILED", failureReason=f"no such gate {SECRET}")
    with pytest.raises(VendorError, match=r"failed at Amazon Braket: no such gate \*\*\*"):
        service.sample(lopsided, watch)


@pytest.mark.parametrize("result", [
    b"not json", [1], {}, {"measuredQubits": [0, 1], "measurements": [[0, 1]]},
    {"measuredQubits": [0, 1, 2, 3], "measurements": [[0, 1, 2, 3]]},
    {"measuredQubits": [0, 1, 2, 3], "measurements": None, "measurementProbabilities": {"01": 1}},
])
def test_a_malformed_result_is_told(lopsided, watch, result):
    service = Service()
    service.expect_submission()
    service.expect_state()
    service.expect_result(result)
    with pytest.raises(VendorError, match="result"):
        service.sample(lopsided, watch)


def test_shots_that_were_lost_are_told(lopsided, watch):
    service = Service()
    service.expect_submission()
    service.expect_state()
    result = result_of(lopsided)
    result["measurements"] = result["measurements"][:10]
    service.expect_result(result)
    samples = service.sample(lopsided, watch)
    assert len(samples.bits) == 10
    assert "990 of 1000 shots lost there" in samples.method


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException"])
def test_refused_credentials_are_told_and_never_shown(
    lopsided, watch, code, tmp_path, capfd, caplog
):
    caplog.set_level(logging.DEBUG)
    service = Service()
    caplog.clear()
    service.braket.add_client_error("create_quantum_task", code, f"bad {TOKEN} {SECRET}", 403)
    with pytest.raises(CredentialsError, match="aws configure") as caught:
        service.sample(lopsided, watch)
    told, fault = "".join(traceback.format_exception(caught.value)), caught.value
    while fault is not None:
        told += repr(fault)
        fault = fault.__cause__ or fault.__context__
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    captured = capfd.readouterr()
    for text in (told, captured.out, captured.err, written.decode("latin-1")):
        assert SECRET not in text
        assert TOKEN not in text


def test_missing_credentials_are_told(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(CredentialsError, match="aws configure"):
        open_arn(NAME, DeviceOptions()).load()
    with pytest.raises(CredentialsError, match="aws configure"):
        describe_arn(NAME)


def test_an_unreachable_service_is_told(monkeypatch):
    monkeypatch.setattr(
        Client, "call",
        lambda self, *_, **__: self._attempt(_unreachable, submission=False),
    )
    with pytest.raises(VendorError, match="cannot be reached"):
        describe_arn(NAME)


def _unreachable():
    raise EndpointConnectionError(endpoint_url="https://braket.us-east-1.amazonaws.com")


@pytest.mark.parametrize("name", [
    "braket:arn:aws:braket", "braket:arn:aws:s3:::bucket", "braket:arn:aws:braket:::device/qpu/x",
])
def test_what_is_no_arn_of_a_device_is_refused(name):
    with pytest.raises(UnknownNameError):
        open_arn(name, DeviceOptions())


def test_devices_that_are_offline_or_take_no_such_shots_are_told(lopsided):
    with pytest.raises(VendorError, match="offline"):
        Service(status="OFFLINE")
    service, watch = Service(shots=(1, 100)), Watch(Budget().start(), Progress())
    with pytest.raises(UsageError, match="takes 1 to 100 shots"):
        service.sample(lopsided, watch)


def test_options_that_cannot_act_are_refused():
    with pytest.raises(UsageError, match="needs no compiler"):
        open_arn(NAME, DeviceOptions(level=3))
    with pytest.raises(UsageError, match="leave out trajectories"):
        open_arn(NAME, DeviceOptions(trajectories=3))
    with pytest.raises(UsageError, match="leave out resubmit"):
        open_arn(NAME, DeviceOptions(resubmit=True))


def test_results_go_where_the_user_says(monkeypatch):
    client = shared_client()
    assert client.place == ("amazon-braket-mine", "here")
    monkeypatch.setenv("QOPT_BRAKET_S3", "https://bucket")
    with pytest.raises(UsageError, match="QOPT_BRAKET_S3"):
        _ = client.place
    monkeypatch.delenv("QOPT_BRAKET_S3")
    with stub.Stubber(client._sts) as identity:
        identity.add_response("get_caller_identity", {"Account": "123456789012"})
        assert client.place == ("amazon-braket-us-east-1-123456789012", "qopt")


def test_an_arn_has_the_tariff_of_its_device():
    assert {p.sku for p in price_list().tariff(NAME)} == {
        "braket-forte-task", "braket-forte-shot"
    }
    simulator = "braket:arn:aws:braket:::device/quantum-simulator/amazon/sv1"
    assert [p.sku for p in price_list().tariff(simulator)] == ["braket-sv1"]


def test_what_a_device_took_is_charged_as_measured():
    usage = Usage(device=NAME, simulated=False, circuits=1, shots=1000)
    lines = charge(usage, price_list())
    assert {line["basis"] for line in lines} == {"measured"}
    assert sum(line["amount"] for line in lines) == pytest.approx(0.30 + 1000 * 0.08)
