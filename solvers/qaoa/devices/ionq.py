"""IonQ's devices and simulator through its REST interface, version 0.4 (docs.ionq.com)."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qopt.devices import Description, DeviceSize
from qopt.errors import CredentialsError, UnknownNameError, VendorError

from ..ansatz import Angles, Ansatz
from .device import Compiled, DeviceOptions, Samples, Watch
from .jobs import Busy, Fetched, JobState, Unsure, execute, plain, shots_of
from .journal import Journal
from .vendor import Orders, between, bind_logical, check_width, instant, logical

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

PREFIX = "ionq:"
ADDRESS = "https://api.ionq.co"
KEY_NAMES = ("IONQ_API_KEY", "IONQ_API_TOKEN")
"""Environment variables that may hold the key; the first that is set counts."""

VENDOR = "IonQ"

SIMULATOR = "simulator"
BACKENDS = {SIMULATOR: 29, "qpu.forte-1": 36, "qpu.forte-enterprise-1": 36}
"""Qubits by name; further ``qpu.`` names are asked for at IonQ."""

BASIS = ("h", "x", "rx", "ry", "rz", "rxx", "ryy", "rzz", "cx")

_PAGES = 20
_TIMEOUT = (10.0, 30.0)
"""Seconds for a connection and for an answer."""


class IonqDevice:
    """A device or the simulator of IonQ. All qubits are coupled; IonQ compiles.

    Parameters
    ----------
    name : str
        ``"ionq:simulator"``, ``"ionq:qpu.forte-1"``.
    resubmit : bool
        Whether a job of unknown fate is submitted again.

    Raises
    ------
    UnknownNameError
    """

    def __init__(self, name: str, resubmit: bool = False) -> None:
        self.name = name
        self._backend = _backend(name)
        self.simulated = self.hypothetical = self._backend == SIMULATOR
        self.noisy = not self.simulated
        self._resubmit = resubmit
        self._orders = Orders(name)
        self._qubits = BACKENDS.get(self._backend, 0)

    def load(self) -> None:
        """Look for the key, and ask for the number of qubits where it is not known."""
        import qiskit  # noqa: F401 - the import is what takes time
        import rustworkx  # noqa: F401

        self._client = Client()
        self._journal = Journal()
        if not self._qubits:
            self._qubits = self._client.qubits(self._backend)

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse more qubits than it has."""
        check_width(self.name, ansatz, self._qubits)

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The logical circuit as it is."""
        return self._orders.compiled(logical(ansatz, "IonQ's own, of the circuit that is sent"))

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """Every circuit as it is."""
        return bind_logical(ansatz, self.compile, seed, watch)

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """The shots of a job that is submitted at most once."""
        order = self._orders.order(compiled.circuit, shots, seed)
        work = IonqJob(self._client, self._backend, compiled.circuit, shots, seed)
        return execute(work, order, self._journal, watch, resubmit=self._resubmit)


class IonqFamily:
    """IonQ's simulator and devices."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """The devices whose size is known without asking.

        The simulator is not among them: where a simulation suffices, those here need no account.
        """
        return tuple(
            DeviceSize(PREFIX + name, qubits, real=True)
            for name, qubits in BACKENDS.items() if name != SIMULATOR
        )

    def describe(self, name: str) -> Description:
        """What it is; IonQ is asked about devices that are not in `BACKENDS`."""
        backend = _backend(name)
        simulated = backend == SIMULATOR
        qubits = BACKENDS.get(backend) or Client().qubits(backend)
        return Description(
            name,
            "IonQ's simulator, noiseless" if simulated else f"IonQ's trapped-ion device {backend}",
            qubits, couples_all=True, basis=BASIS, simulated=simulated, noisy=not simulated,
            facts={"credentials": f"environment variable {KEY_NAMES[0]}"},
        )

    def open(self, name: str, options: DeviceOptions) -> IonqDevice:
        """The device."""
        options.check(name, compiles=False, noisy=False, submits=True)
        return IonqDevice(name, options.resubmit)


FAMILY = IonqFamily()


def _backend(name: str) -> str:
    """IonQ's name of a device.

    Raises
    ------
    UnknownNameError
    """
    backend = name.removeprefix(PREFIX).lower()
    plausible = backend.startswith("qpu.") and backend[4:].replace("-", "").isalnum()
    if backend not in BACKENDS and not plausible:
        raise UnknownNameError("device", name, [PREFIX + each for each in BACKENDS])
    return backend


def instructions(circuit: "QuantumCircuit") -> list[dict[str, Any]]:
    """The gates of a logical circuit in IonQ's abstract gate set, angles in radians.

    IonQ's xx, yy and zz are ``exp(-i t/2 PP)`` as qiskit's rxx, ryy and rzz; measurement of all
    qubits is implied.

    Raises
    ------
    VendorError
        For a gate that has no such form.
    """
    written: list[dict[str, Any]] = []
    for step in circuit.data:
        on = [circuit.find_bit(qubit).index for qubit in step.qubits]
        angles = [float(value) for value in step.operation.params]
        match step.operation.name:
            case "measure" | "barrier":
                continue
            case "h" | "x" as gate:
                written.append({"gate": gate, "targets": on})
            case "rx" | "ry" | "rz" as gate:
                written.append({"gate": gate, "targets": on, "rotation": angles[0]})
            case "rzz" | "rxx" | "ryy" as gate:
                written.append({"gate": gate[1:], "targets": on, "rotation": angles[0]})
            case "xx_plus_yy" if angles[1] == 0.0:
                # exp(-i t/4 (XX + YY)), whose two parts commute
                half = 0.5 * angles[0]
                written += [{"gate": g, "targets": on, "rotation": half} for g in ("xx", "yy")]
            case "cx":
                written.append({"gate": "x", "controls": on[:1], "targets": on[1:]})
            case "cz":
                flip = {"gate": "h", "targets": on[1:]}
                written += [flip, {"gate": "x", "controls": on[:1], "targets": on[1:]}, flip]
            case other:
                raise VendorError(f"{VENDOR} has no gate {other!r}: the circuit is not sent")
    return written


class IonqJob:
    """One circuit at IonQ (`qopt.solvers.qaoa.devices.jobs.VendorJob`).

    Parameters
    ----------
    client : Client
    backend : str
    circuit : QuantumCircuit
        Logical; qubit ``i`` is measured into bit ``i``.
    shots, seed : int
        The seed draws shots where IonQ answers probabilities that are no shares of shots.
    """

    vendor = VENDOR
    idempotent = False

    def __init__(
        self, client: "Client", backend: str, circuit: "QuantumCircuit", shots: int, seed: int
    ) -> None:
        self._client, self._backend = client, backend
        self._circuit, self._shots, self._seed = circuit, shots, seed

    def submit(self, key: str) -> str:
        """Send it."""
        body: dict[str, Any] = {
            "type": "ionq.circuit.v1",
            "backend": self._backend,
            "shots": self._shots,
            "name": f"qopt {key[:12]}",
            "metadata": {"qopt": key},
            "input": {
                "gateset": "qis",
                "qubits": self._circuit.num_qubits,
                "circuit": instructions(self._circuit),
            },
        }
        if self._backend == SIMULATOR:
            body["noise"] = {"model": "ideal"}
        else:  # raw shots: mitigation is the user's choice, and costs more
            body["settings"] = {"error_mitigation": {"debiasing": False}}
        answer = self._client.post("jobs", body)
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), str):
            raise Unsure(f"{VENDOR} answered the submission without an id")
        return str(answer["id"])

    def find(self, key: str) -> str | None:
        """The job with this key among the latest ones."""
        query = {"target": self._backend}
        for _ in range(_PAGES):
            page = self._client.get("jobs", query)
            jobs = page.get("jobs")
            if not isinstance(jobs, list):
                raise VendorError(f"{VENDOR} answered no list of jobs")
            for job in jobs:
                if (job.get("metadata") or {}).get("qopt") == key:
                    return str(job["id"])
            if not page.get("next"):
                break
            query = {"target": self._backend, "next": str(page["next"])}
        return None

    def state(self, job: str) -> JobState:
        """Where it stands."""
        answer = self._client.get(f"jobs/{job}")
        status = answer.get("status")
        if status in ("failed", "canceled"):
            failure = answer.get("failure") or {}
            text = failure.get("error") or failure.get("message") or failure.get("code") or status
            return JobState(status, failure=plain(text, self._client.secret))
        if not isinstance(status, str):
            raise VendorError(f"{VENDOR} does not say where job {job} stands")
        return JobState(status, done=status == "completed")

    def fetch(self, job: str) -> Fetched:
        """Its shots, and its times."""
        about = self._client.get(f"jobs/{job}")
        answer = self._client.get(f"jobs/{job}/results/probabilities")
        try:
            shares = {int(key): float(value) for key, value in answer.items()}
        except (TypeError, ValueError):
            raise VendorError(f"{VENDOR} answered no probabilities for job {job}") from None
        width = self._circuit.num_qubits
        bits, words = shots_of(shares, width, self._shots, self._seed, VENDOR)
        measured = [0] * self._circuit.num_clbits
        for step in self._circuit.data:
            if step.operation.name == "measure":
                clbit = self._circuit.find_bit(step.clbits[0]).index
                measured[clbit] = self._circuit.find_bit(step.qubits[0]).index
        sent, began, ended = (
            instant(about.get(f"{what}_at")) for what in ("submitted", "started", "completed")
        )
        milliseconds = about.get("execution_duration_ms")
        seconds = None if not isinstance(milliseconds, int | float) else milliseconds / 1000.0
        return Fetched(
            bits[:, measured], words, device_seconds=seconds,
            queue_seconds=between(sent, began), execution_seconds=between(began, ended),
        )


class Client:
    """IonQ's interface with the user's key.

    Raises
    ------
    CredentialsError
        Where there is none.
    """

    def __init__(self) -> None:
        import requests

        keys = (os.environ.get(name, "").strip() for name in KEY_NAMES)
        self.secret = next(filter(None, keys), "")
        if not self.secret or not self.secret.isprintable() or not self.secret.isascii():
            raise CredentialsError(
                f"{VENDOR} needs a key: make one at cloud.ionq.com and set the environment "
                f"variable {KEY_NAMES[0]} to it"
            )
        self._session = requests.Session()
        self._session.auth = self._sign  # so that no .netrc takes the key's place

    def _sign(self, request: Any) -> Any:
        request.headers["Authorization"] = f"apiKey {self.secret}"
        return request

    def qubits(self, backend: str) -> int:
        """How many a device has.

        Raises
        ------
        UnknownNameError
            Where IonQ does not know it.
        """
        try:
            answer = self.get(f"backends/{backend}")
        except Busy as fault:
            text = str(fault)
        except VendorError as fault:
            if "HTTP 404" in str(fault):
                known = [PREFIX + each for each in BACKENDS]
                raise UnknownNameError("device", PREFIX + backend, known) from None
            raise
        else:
            qubits = answer.get("qubits")
            if not isinstance(qubits, int) or qubits < 1:
                raise VendorError(f"{VENDOR} does not say how many qubits {backend} has")
            return qubits
        raise VendorError(f"{VENDOR} cannot be asked about {backend}: {text}")

    def get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        """Read; `Busy` where it may be repeated."""
        import requests

        try:
            response = self._session.get(
                f"{ADDRESS}/v0.4/{path}", params=query, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as fault:
            text = f"{VENDOR} cannot be reached ({type(fault).__name__})"
        else:
            if response.status_code in (408, 409) or response.status_code >= 500:
                raise Busy(f"{VENDOR} answered HTTP {response.status_code}", _after(response))
            answer = self._answer(response)
            if not isinstance(answer, dict):
                raise VendorError(f"{VENDOR} answered what is not its interface's form")
            return answer
        raise Busy(text)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send; `Busy` where it was surely not taken, `Unsure` where nobody knows."""
        import requests

        trouble: Exception
        try:
            response = self._session.post(
                f"{ADDRESS}/v0.4/{path}", json=body, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as fault:
            words = f"{VENDOR} cannot be reached ({type(fault).__name__})"
            trouble = Busy(words) if _never_connected(fault) else Unsure(words)
        else:
            if response.status_code >= 500 or response.status_code == 408:
                raise Unsure(f"{VENDOR} answered HTTP {response.status_code}")
            try:
                return self._answer(response)
            except VendorError as fault:
                if response.status_code < 300:  # taken, but the answer cannot be read
                    trouble = Unsure(str(fault))
                else:
                    raise
        raise trouble

    def _answer(self, response: Any) -> Any:
        """The JSON of an answer, refusals told apart."""
        code = response.status_code
        if code == 429:
            raise Busy(f"{VENDOR} is asked too often (HTTP 429)", _after(response))
        if code in (401, 403):
            raise CredentialsError(
                f"{VENDOR} does not take the key in {' or '.join(KEY_NAMES)} (HTTP {code}): it is "
                "wrong, expired or not allowed to do this; make another at cloud.ionq.com"
            )
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if code >= 300:
            said = answer.get("message") or answer.get("error") if isinstance(answer, dict) else ""
            text = plain(said or "no reason given", self.secret)
            raise VendorError(f"{VENDOR} refused (HTTP {code}): {text}")
        if answer is None:
            raise VendorError(f"{VENDOR} answered what is not JSON")
        return answer


def _after(response: Any) -> float | None:
    """Seconds that the answer asks to wait, within reason."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), 300.0) if text.isdigit() else None


def _never_connected(fault: Exception) -> bool:
    """Whether nothing was sent."""
    from requests import ConnectTimeout
    from urllib3.exceptions import NewConnectionError

    reason = getattr(fault.args[0] if fault.args else None, "reason", None)
    behind = getattr(reason, "original_error", None)  # of a proxy that is not there
    return isinstance(fault, ConnectTimeout) or any(
        isinstance(each, NewConnectionError) for each in (reason, behind)
    )
