"""Devices of Amazon Braket by their ARN, through boto3: circuits are sent as OpenQASM 3."""

import json
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.devices import Description
from qopt.errors import (
    CredentialsError,
    MissingPackageError,
    UnknownNameError,
    UsageError,
    VendorError,
)

from ..ansatz import Angles, Ansatz
from .device import Compiled, DeviceOptions, Samples, Watch
from .jobs import Busy, Fetched, JobState, Unsure, execute, plain, shots_of
from .journal import Journal
from .vendor import Orders, bind_logical, check_width, logical

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

PREFIX = "braket:"
VENDOR = "Amazon Braket"
SYNTAX = "braket:arn:aws:braket:REGION::device/qpu/PROVIDER/NAME"

PLACE = "QOPT_BRAKET_S3"
"""Environment variable that says where results go: ``s3://amazon-braket-NAME/FOLDER``."""

_ACTION = "braket.ir.openqasm.program"
_ARN = re.compile(
    r"arn:aws:braket:([a-z0-9-]*)::device/(qpu|quantum-simulator)/([a-z0-9-]+)/([\w-]+)",
    re.IGNORECASE,
)
_REGION = "us-east-1"
_PAGES = 20

_REFUSED = ("ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded")
_CREDENTIALS = (
    "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
    "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId",
    "AccessDeniedException", "AccessDenied", "MissingAuthenticationToken", "AuthFailure",
)


def open_arn(name: str, options: DeviceOptions) -> "BraketDevice":
    """The device of an ARN.

    Parameters
    ----------
    name : str
        `SYNTAX`.
    options : DeviceOptions

    Raises
    ------
    UnknownNameError
    UsageError
    MissingPackageError
        Without boto3.
    """
    _matched(name)
    options.check(name, compiles=False, noisy=False, submits=True)
    if options.resubmit:
        raise UsageError(
            f"{VENDOR} takes a token only once, so that a submission that was cut off is repeated "
            f"without harm: leave out resubmit for {name!r}"
        )
    if find_spec("boto3") is None:
        raise MissingPackageError(f"device {name!r}", ["boto3"], "qopt-toolkit[braket]")
    return BraketDevice(name)


def describe_arn(name: str) -> Description:
    """What the device of an ARN is: Braket is asked.

    Raises
    ------
    VendorError
        Where Braket cannot be asked.
    """
    device = open_arn(name, DeviceOptions())
    simulated = "/quantum-simulator/" in device.arn
    known = Client(device.region).capabilities(device.arn)
    kind = "simulator" if simulated else "device"
    return Description(
        name, f"Amazon Braket's {kind} {device.arn.rpartition('/')[2]} of {known.provider}",
        known.qubits, couples_all=known.couples_all, basis=tuple(sorted(known.gates)),
        simulated=simulated, noisy=not simulated,
        facts={
            "status": known.status,
            "shots": list(known.shots),
            "credentials": "as boto3 finds them: ~/.aws, AWS_PROFILE, AWS_ACCESS_KEY_ID",
        },
    )


def _matched(name: str) -> re.Match[str]:
    found = _ARN.fullmatch(name.removeprefix(PREFIX))
    if found is None:
        raise UnknownNameError("device", name, [SYNTAX])
    return found


class BraketDevice:
    """A device or simulator that Braket sells; it is compiled for there.

    Parameters
    ----------
    name : str
        `SYNTAX`.
    """

    hypothetical = simulated = False

    def __init__(self, name: str) -> None:
        found = _matched(name)
        self.name = name
        self.arn = name.removeprefix(PREFIX)
        self.region = found[1] or os.environ.get("AWS_DEFAULT_REGION") or _REGION
        self.noisy = found[2].lower() == "qpu"
        self._orders = Orders(name)

    def load(self) -> None:
        """Ask Braket what the device takes; nothing is paid for."""
        import qiskit  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401

        self._client = Client(self.region)
        self._journal = Journal()
        self._known = self._client.capabilities(self.arn)
        if self._known.status != "ONLINE":
            raise VendorError(
                f"{self.name} is {self._known.status.lower()} at {VENDOR}: take another device, or "
                "come again later"
            )

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse more qubits than it has."""
        check_width(self.name, ansatz, self._known.qubits)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        return self._orders.compiled(
            logical(ansatz, f"that of {self._known.provider}, of the circuit that is sent")
        )

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is."""
        return bind_logical(ansatz, self.compile, seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """The shots of a task that is created at most once.

        Raises
        ------
        UsageError
            For more or fewer shots than the device takes.
        VendorError
        """
        least, most = self._known.shots
        if not least <= shots <= most:
            raise UsageError(f"{self.name} takes {least} to {most} shots, got {shots}")
        order = self._orders.order(compiled.circuit, shots, seed)
        work = BraketTask(
            self._client, self.arn, openqasm(compiled.circuit, self._known.gates),
            compiled.circuit.num_clbits, shots, seed,
        )
        return execute(work, order, self._journal, watch)


def openqasm(circuit: "QuantumCircuit", gates: Collection[str]) -> str:
    """A logical circuit as OpenQASM 3 in Braket's names of gates.

    Braket's xx, yy and zz are ``exp(-i t/2 PP)``; where a device has them not, they become
    rotations between controlled flips.

    Parameters
    ----------
    circuit : QuantumCircuit
    gates : collection of str
        Those that the device takes.

    Raises
    ------
    VendorError
        For a gate that has no such form.
    """
    lines = [
        "OPENQASM 3.0;", f"bit[{circuit.num_clbits}] b;", f"qubit[{circuit.num_qubits}] q;",
    ]
    used = {circuit.find_bit(qubit).index for step in circuit.data for qubit in step.qubits}
    # A qubit that nothing is done to would be left out, and the others renumbered.
    lines += [f"i q[{i}];" for i in range(circuit.num_qubits) if i not in used]
    for step in circuit.data:
        on = [circuit.find_bit(qubit).index for qubit in step.qubits]
        if step.operation.name == "measure":
            lines.append(f"b[{circuit.find_bit(step.clbits[0]).index}] = measure q[{on[0]}];")
        elif step.operation.name != "barrier":
            angles = [float(value) for value in step.operation.params]
            lines += _gate(step.operation.name, angles, [f"q[{i}]" for i in on], gates)
    return "\n".join(lines) + "\n"


def _gate(name: str, angles: list[float], on: list[str], gates: Collection[str]) -> list[str]:
    """One gate as lines."""
    match name:
        case "h" | "x":
            return [f"{name} {on[0]};"]
        case "rx" | "ry" | "rz":
            return [f"{name}({angles[0]!r}) {on[0]};"]
        case "cx":
            return [f"cnot {on[0]}, {on[1]};"]
        case "cz":
            if "cz" in gates:
                return [f"cz {on[0]}, {on[1]};"]
            return [f"h {on[1]};", f"cnot {on[0]}, {on[1]};", f"h {on[1]};"]
        case "rzz" | "rxx" | "ryy":
            return _rotation(name[1:], angles[0], on, gates)
        case "xx_plus_yy" if angles[1] == 0.0:
            # exp(-i t/4 (XX + YY)), whose two parts commute
            half = 0.5 * angles[0]
            return _rotation("xx", half, on, gates) + _rotation("yy", half, on, gates)
        case _:
            raise VendorError(f"{VENDOR} has no gate {name!r}: the circuit is not sent")


_TO_Z = {"xx": ("h {}", "h {}"), "yy": ("rx(pi/2) {}", "rx(-pi/2) {}"), "zz": ("", "")}
"""What turns a rotation about Z into one about another axis: before it, and after it."""


def _rotation(
    gate: str, angle: float, on: list[str], gates: Collection[str]
) -> list[str]:
    """``exp(-i angle/2 PP)``."""
    if gate in gates:
        return [f"{gate}({angle!r}) {on[0]}, {on[1]};"]
    before, after = _TO_Z[gate]
    flip = f"cnot {on[0]}, {on[1]};"
    return [
        *(before.format(q) + ";" for q in on if before),
        flip, f"rz({angle!r}) {on[1]};", flip,
        *(after.format(q) + ";" for q in on if after),
    ]


class BraketTask:
    """One circuit at Braket (`qopt.solvers.qaoa.devices.jobs.VendorJob`).

    Parameters
    ----------
    client : Client
    arn : str
        Of the device.
    source : str
        OpenQASM 3, bit ``i`` being variable ``i``.
    bits, shots, seed : int
        The seed draws shots where Braket answers probabilities that are no shares of shots.
    """

    vendor = VENDOR
    idempotent = True

    def __init__(
        self, client: "Client", arn: str, source: str, bits: int, shots: int, seed: int
    ) -> None:
        self._client, self._arn, self._source = client, arn, source
        self._bits, self._shots, self._seed = bits, shots, seed

    def submit(self, key: str) -> str:
        """Create the task, with the key as token and tag."""
        bucket, folder = self._client.place
        action = {
            "braketSchemaHeader": {"name": _ACTION, "version": "1"},
            "source": self._source,
            "inputs": {},
        }
        answer = self._client.call(
            "create_quantum_task", submission=True,
            action=json.dumps(action), clientToken=key, deviceArn=self._arn,
            outputS3Bucket=bucket, outputS3KeyPrefix=folder, shots=self._shots,
            tags={"qopt": key},
        )
        if not isinstance(answer.get("quantumTaskArn"), str):
            raise Unsure(f"{VENDOR} answered the submission without an ARN")
        return str(answer["quantumTaskArn"])

    def find(self, key: str) -> str | None:
        """The task with this key among the latest ones of the device."""
        query: dict[str, Any] = {
            "filters": [{"name": "deviceArn", "operator": "EQUAL", "values": [self._arn]}]
        }
        for _ in range(_PAGES):
            page = self._client.call("search_quantum_tasks", **query)
            for task in page.get("quantumTasks", ()):
                if task.get("tags", {}).get("qopt") == key:
                    return str(task["quantumTaskArn"])
            if not page.get("nextToken"):
                break
            query["nextToken"] = page["nextToken"]
        return None

    def state(self, job: str) -> JobState:
        """Where it stands."""
        answer = self._client.call("get_quantum_task", quantumTaskArn=job)
        status = answer.get("status")
        if not isinstance(status, str):
            raise VendorError(f"{VENDOR} does not say where task {job} stands")
        if status in ("FAILED", "CANCELLED"):
            why = answer.get("failureReason") or status.lower()
            return JobState(status.lower(), failure=plain(why, *self._client.secrets))
        return JobState(status.lower(), done=status == "COMPLETED")

    def fetch(self, job: str) -> Fetched:
        """Its shots, and its times.

        A QPU's own seconds are not told by Braket, which does not charge by them; a simulator's
        are.
        """
        task = self._client.call("get_quantum_task", quantumTaskArn=job)
        result = self._client.result(
            str(task.get("outputS3Bucket")), str(task.get("outputS3Directory"))
        )
        try:
            bits, words = self._shots_of(result)
            about = result.get("additionalMetadata", {}).get("simulatorMetadata") or {}
            milliseconds = about.get("executionDuration")
            seconds = None if milliseconds is None else float(milliseconds) / 1000.0
        except (KeyError, TypeError, ValueError, AttributeError):
            raise VendorError(f"{VENDOR} answered no result of a circuit for job {job}") from None
        created, ended = task.get("createdAt"), task.get("endedAt")
        whole = (ended - created).total_seconds() if created and ended else None
        queue = None if whole is None or seconds is None else max(0.0, whole - seconds)
        return Fetched(
            bits, words, device_seconds=seconds, queue_seconds=queue, execution_seconds=seconds
        )

    def _shots_of(self, result: dict[str, Any]) -> tuple[Any, str]:
        """Rows of bits in the order of variables.

        Qubit ``i`` is measured into bit ``i``; columns come in the order of ``measuredQubits``.
        """
        measured = [int(qubit) for qubit in result["measuredQubits"]]
        if sorted(measured) != list(range(self._bits)):
            raise ValueError("other qubits were measured")
        column = np.argsort(measured)
        if result.get("measurements"):
            rows = np.array(result["measurements"], dtype=np.int8)
            if rows.ndim != 2 or rows.shape[1] != self._bits or not np.isin(rows, (0, 1)).all():
                raise ValueError("not bits")
            return rows[:, column], "single shots"
        shares = {
            sum(int(text[place]) << i for i, place in enumerate(column)): float(share)
            for text, share in result["measurementProbabilities"].items()
            if len(text) == self._bits or _refuse()
        }
        return shots_of(shares, self._bits, self._shots, self._seed, VENDOR)


def _refuse() -> bool:
    raise ValueError("bit strings of another length")


@dataclass(frozen=True)
class Capabilities:
    """What Braket says of a device.

    Parameters
    ----------
    provider : str
    status : str
        ``"ONLINE"``, ``"OFFLINE"``, ``"RETIRED"``.
    qubits : int
    gates : frozenset of str
        That circuits may hold; the device's compiler makes its own of them.
    shots : tuple of (int, int)
        Fewest and most.
    couples_all : bool
    """

    provider: str
    status: str
    qubits: int
    gates: frozenset[str]
    shots: tuple[int, int]
    couples_all: bool


class Client:
    """Braket and S3 with the credentials that boto3 finds.

    Parameters
    ----------
    region : str

    Raises
    ------
    CredentialsError
        Where there are none.
    """

    def __init__(self, region: str) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        self.region = region
        config = Config(
            connect_timeout=10, read_timeout=30, retries={"total_max_attempts": 1}
        )
        trouble = ""
        try:
            session = boto3.Session(region_name=region)
            found = session.get_credentials()
            self._braket = session.client("braket", config=config)
            self._s3 = session.client("s3", config=config)
            self._sts = session.client("sts", config=config)
        except BotoCoreError as fault:
            found, trouble = None, f" ({plain(fault)})"
        if found is None:
            raise CredentialsError(f"{VENDOR} needs AWS credentials{trouble}: {_HOW}")
        self.secrets = _secrets(found)

    def capabilities(self, arn: str) -> Capabilities:
        """What a device takes.

        Raises
        ------
        VendorError
            Where Braket does not know or tell it.
        """
        try:
            answer = self.call("get_device", deviceArn=arn)
        except Busy as fault:
            text = str(fault)
        else:
            return _capabilities(answer)
        raise VendorError(f"{VENDOR} cannot be asked about {arn}: {text}")

    @property
    def place(self) -> tuple[str, str]:
        """Bucket and folder of results: what `PLACE` names, else Braket's usual bucket."""
        if named := os.environ.get(PLACE):
            found = re.fullmatch(r"s3://([a-z0-9.-]{3,63})(?:/(.*?))?/?", named)
            if found is None:
                raise UsageError(f"{PLACE} must be s3://BUCKET/FOLDER, got {named!r}")
            return found[1], found[2] or "qopt"
        account = self.call("get_caller_identity", service=self._sts)["Account"]
        return f"amazon-braket-{self.region}-{account}", "qopt"

    def result(self, bucket: str, folder: str) -> dict[str, Any]:
        """The file that Braket wrote for a task."""
        answer = self.call(
            "get_object", service=self._s3, Bucket=bucket, Key=f"{folder}/results.json"
        )
        text = self._attempt(lambda: answer["Body"].read(), submission=False)
        try:
            data = json.loads(text)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise VendorError(f"{VENDOR}'s file s3://{bucket}/{folder}/results.json is no result")
        return data

    def call(
        self, operation: str, *, service: Any = None, submission: bool = False, **values: Any
    ) -> dict[str, Any]:
        """One call; `Busy` where it may be repeated, `Unsure` for submissions of unknown fate."""
        method = getattr(service or self._braket, operation)
        return dict(self._attempt(lambda: method(**values), submission=submission))

    def _attempt(self, call: Callable[[], Any], *, submission: bool) -> Any:
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        try:
            return call()
        except exceptions.ClientError as fault:
            trouble = self._refusal(fault.response, submission)
        except (
            exceptions.NoCredentialsError, exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError, exceptions.TokenRetrievalError,
        ):
            trouble = CredentialsError(f"{VENDOR} needs AWS credentials: {_HOW}")
        except (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError) as fault:
            trouble = Busy(f"{VENDOR} cannot be reached ({type(fault).__name__})")
        except (exceptions.HTTPClientError, ResponseParserError) as fault:
            words = f"{VENDOR} cannot be reached ({type(fault).__name__})"
            trouble = Unsure(words) if submission else Busy(words)
        except exceptions.BotoCoreError as fault:
            trouble = VendorError(
                f"{VENDOR} cannot be asked: {plain(fault, *self.secrets)}"
            )
        raise trouble

    def _refusal(self, response: Any, submission: bool) -> Exception:
        """What an answer that is an error means."""
        error = response.get("Error", {})
        code = str(error.get("Code", ""))
        http = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = plain(error.get("Message") or "no reason given", *self.secrets)
        if code in _REFUSED or http == 429:
            return Busy(f"{VENDOR} is asked too often ({code})")
        if code in _CREDENTIALS or http == 401:
            return CredentialsError(
                f"{VENDOR} does not take the AWS credentials, or they may not do this "
                f"({code}: {said}): {_HOW}"
            )
        if http >= 500 or code in ("InternalServiceException", "InternalServerException"):
            words = f"{VENDOR} answered {code or http}"
            return Unsure(words) if submission else Busy(words)
        return VendorError(f"{VENDOR} refused ({code}): {said}")


_HOW = (
    "set them with `aws configure`, by AWS_PROFILE, or by AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY"
)


def _secrets(credentials: Any) -> tuple[str, ...]:
    """What must never be told."""
    from botocore.exceptions import BotoCoreError

    try:
        frozen = credentials.get_frozen_credentials()
    except BotoCoreError:
        return ()
    return tuple(filter(None, (frozen.secret_key, frozen.token, frozen.access_key)))


def _capabilities(answer: dict[str, Any]) -> Capabilities:
    """Read Braket's description of a device of gates.

    Raises
    ------
    VendorError
        Where it is none of gates, or cannot be read.
    """
    name = answer.get("deviceName", "the device")
    try:
        told = answer["deviceCapabilities"]
        data = json.loads(told) if isinstance(told, str) else told
        action = data["action"].get(_ACTION)
        if action is None:
            raise VendorError(f"{name} takes no circuits of gates: take another device")
        shots = data["service"]["shotsRange"]
        graph = data["paradigm"].get("connectivity", {"fullyConnected": True})
        return Capabilities(
            provider=str(answer["providerName"]),
            status=str(answer["deviceStatus"]),
            qubits=int(data["paradigm"]["qubitCount"]),
            gates=frozenset(str(gate).lower() for gate in action["supportedOperations"]),
            shots=(max(1, int(shots[0])), int(shots[1])),
            couples_all=bool(graph.get("fullyConnected", False)),
        )
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        raise VendorError(f"{VENDOR} describes {name} in a form that is not known") from None
