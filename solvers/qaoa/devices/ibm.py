"""IBM's devices through the sampler of qiskit-ibm-runtime; its fake ones run in its local mode."""

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from qopt.calibration import Calibration
from qopt.devices import Description, DeviceSize
from qopt.errors import CredentialsError, SizeError, UnknownNameError, UsageError, VendorError
from qopt.solver import Budget, Progress

from .. import compile as compiler
from ..ansatz import Angles, Ansatz
from ..circuit import one_qubit_gates
from ..noise import MODELLED, calibrated_noise
from ..simulate.noisy import MOST_QUBITS
from ..target_of import target_of
from . import calibrated
from .device import Compiled, DeviceOptions, Samples, Watch
from .ibm_calibration import calibration_from, device_names, packaged_calibration
from .jobs import (
    CALL_SECONDS,
    Busy,
    Fetched,
    JobState,
    Over,
    Unsure,
    attended,
    execute,
    plain,
)
from .journal import Journal
from .vendor import Orders, between, instant

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_T = TypeVar("_T")

PREFIX = "ibm:"
FAKE = "fake_"
VENDOR = "IBM Quantum"

_BITS = "bits"
"""Name of the classical register that is sent and read back."""

_SHARE = 0.6
"""Share of a time limit after which no more compilations begin."""

_REPETITION_DELAY = 250e-6

_HOW = (
    "save an account once with QiskitRuntimeService.save_account(token=..., instance=...), or set "
    "QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE; keys are made at quantum.cloud.ibm.com"
)


class IbmDevice:
    """A device of IBM, or a fake one of the runtime's local mode.

    Circuits are compiled here for the device's own gates and couplings. Fractional gates are left
    out: the runtime takes them for angles of a range alone.

    Parameters
    ----------
    name : str
        ``"ibm:torino"``, ``"ibm:fake_torino"``.
    level : int
        Optimisation level of qiskit's compiler.
    tries : int
        How hard the compiler tries.
    way : {"auto", "routes", "line", "qiskit"}
        How it finds its way.
    resubmit : bool
        Whether a job of unknown fate is submitted again.

    Raises
    ------
    UnknownNameError
        For a fake device that there is not, and names that cannot be any device's.
    """

    hypothetical = False
    noisy = True

    def __init__(
        self,
        name: str,
        *,
        level: int = calibrated.DEFAULT_LEVEL,
        tries: int = calibrated.DEFAULT_TRIES,
        way: compiler.Way = "auto",
        resubmit: bool = False,
    ) -> None:
        self.name = name
        self._called = _called(name)
        self.simulated = self._called.startswith(FAKE)
        self._level, self._tries, self._way = level, tries, way
        self._resubmit = resubmit
        self._orders = Orders(name)
        self._calibration: Calibration | None = None

    def load(self) -> None:
        """Read the calibration; of a real device, from IBM."""
        compiler.warm_up()
        if self.simulated:
            import qiskit_aer.noise  # noqa: F401 - the import is what takes time

            self._calibration = packaged_calibration(self._called.removeprefix(FAKE))
            self._target = compiler.usable_target(target_of(self._calibration))
        else:
            self._account = Account()
            self._journal = Journal()
            self._backend = self._account.backend(self._called)
            self._calibration = _calibration(self._called, self._backend)
            self._target = compiler.usable_target(self._backend.target)

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what the device, or the simulation of a fake one, cannot hold."""
        most = compiler.largest_region(self._target)
        if self.simulated:
            most = min(most, MOST_QUBITS)
        if ansatz.cost.qubits > most:
            raise SizeError(
                f"device {self.name!r}", ansatz.cost.qubits, most, "qubits",
                "take a smaller instance or another device",
            )

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The likeliest to succeed of several compilations."""
        target = self._target
        options = compiler.CompileOptions(
            way=self._way, level=self._level, seed=seed, tries=self._tries,
            most_qubits=MOST_QUBITS if self.simulated else target.num_qubits,
        )
        clock = watch.clock
        routed = compiler.compile_ansatz(
            ansatz, target, options, lambda: watch.past(_SHARE),
            max(0.0, _SHARE * clock.limit - clock.elapsed),
        )
        circuit = compiler.restrict(routed.circuit, routed.qubits)
        cut = "" if routed.complete else "; the time limit ended the search for others"
        known = self._calibration
        return self._orders.compiled(Compiled(
            ansatz=ansatz,
            circuit=circuit,
            physical=routed.qubits,
            one_qubit_gates=one_qubit_gates(circuit, free=compiler.free_gates(target)),
            success_probability=routed.success_probability,
            duration=compiler.duration(routed.circuit, target),
            repetition_delay=_REPETITION_DELAY if known is None else known.repetition_delay,
            details={
                "compiler": f"{routed.method}, best of {routed.compilations} circuits{cut}",
                "compile_seed": routed.seed,
                "success": routed.success.to_json(),
                "physical_qubits": list(routed.qubits),
                **({} if known is None else {
                    "calibration_date": known.date, "calibration_hash": known.key,
                }),
                **({"noise": MODELLED} if self.simulated else {}),
            },
        ))

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """One circuit with parameters for angles."""
        from qiskit.circuit import Parameter

        gammas, betas = (
            tuple(Parameter(f"{kind}_{i}") for i in range(layers)) for kind in ("g", "b")
        )
        names: Any = Angles(gammas, betas)
        template = self.compile(ansatz.at(names), seed, watch)

        def bind(angles: Angles) -> Compiled:
            values = dict(zip([*gammas, *betas], angles.flat, strict=True))
            bound = template.circuit.assign_parameters(values)
            return self._orders.compiled(
                replace(template, ansatz=ansatz.at(angles), circuit=bound)
            )

        return bind

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Shots of the device, or of the runtime's local mode under the fake one's noise."""
        if self.simulated:
            return self._sample_locally(compiled, shots, seed, watch)
        order = self._orders.order(compiled.circuit, shots, seed)
        circuit = on_device(compiled, self._backend.num_qubits)
        work = IbmJob(self._account, self._backend, circuit, shots)
        return execute(work, order, self._journal, watch, resubmit=self._resubmit)

    def _sample_locally(
        self, compiled: Compiled, shots: int, seed: int, watch: Watch
    ) -> Samples:
        """Simulated on the qubits in use alone: the whole device's noise takes minutes to make."""
        circuit = on_device(replace(compiled, physical=tuple(range(compiled.circuit.num_qubits))))

        def run() -> NDArray[np.int8]:
            simulator = self._simulator(compiled)
            job = sampler(simulator, {"simulator": {"seed_simulator": seed % 2**31}}).run(
                [circuit], shots=shots
            )
            return read(job.result(), circuit.num_clbits)

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                bits = attended(run, watch, inf)
        except Over:
            return Samples(np.zeros((0, circuit.num_clbits), dtype=np.int8))
        return Samples(bits, method="local mode of qiskit-ibm-runtime, calibrated noise")

    def _simulator(self, compiled: Compiled) -> Any:
        """The noise of the qubits and gates in use, readout included."""
        from qiskit_aer import AerSimulator
        from qiskit_aer.noise import ReadoutError

        assert self._calibration is not None  # a fake device is its calibration
        noise = calibrated_noise(compiled.circuit, compiled.physical, self._calibration)
        for qubit, (zero, one) in enumerate(noise.readout.tolist()):
            error = ReadoutError([[1.0 - zero, zero], [one, 1.0 - one]])
            noise.model.add_readout_error(error, [qubit])
        return AerSimulator(noise_model=noise.model, max_parallel_threads=1)


class IbmFamily:
    """IBM's devices by name."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """None: the fake ones are those of the family ``aer``, the others an account's own."""
        return ()

    def describe(self, name: str) -> Description:
        """What it is; IBM is asked about real ones."""
        device = self.open(name, DeviceOptions())
        called = _called(name)
        if device.simulated:
            short = called.removeprefix(FAKE)
            known = calibrated.FAMILY.describe(calibrated.PREFIX + short)
            summary = f"{known.summary}, in the runtime's local mode"
            return replace(known, name=name, summary=summary)
        backend = Account().backend(called)
        return Description(
            name, f"IBM's {called}", backend.num_qubits, couples_all=False,
            basis=tuple(backend.operation_names), simulated=False, noisy=True,
            facts={"credentials": "saved by qiskit-ibm-runtime, or QISKIT_IBM_TOKEN"},
        )

    def open(self, name: str, options: DeviceOptions) -> IbmDevice:
        """The device."""
        local = _called(name).startswith(FAKE)
        options.check(name, compiles=True, noisy=False, submits=not local)
        return IbmDevice(
            name,
            level=calibrated.DEFAULT_LEVEL if options.level is None else options.level,
            tries=calibrated.DEFAULT_TRIES if options.tries is None else options.tries,
            way=options.way or "auto",
            resubmit=options.resubmit,
        )


FAMILY = IbmFamily()


def _called(name: str) -> str:
    """IBM's own name of a device.

    Raises
    ------
    UnknownNameError
    """
    short = name.removeprefix(PREFIX).lower().removeprefix("ibm_")
    fakes = device_names()
    known = short.removeprefix(FAKE) in fakes if short.startswith(FAKE) else True
    plausible = name.startswith(PREFIX) and re.fullmatch(r"[a-z][a-z0-9_-]*", short)
    if not known or not plausible:
        raise UnknownNameError("device", name, [PREFIX + FAKE + each for each in fakes])
    return short if short.startswith(FAKE) else f"ibm_{short}"


def _calibration(name: str, backend: Any) -> Calibration | None:
    """What IBM has published of a real device; None where it has published nothing."""
    properties = backend.properties()
    if properties is None:
        return None
    return calibration_from(
        name, backend.configuration().to_dict(), properties.to_dict(), Path(f"properties of {name}")
    )


def on_device(compiled: Compiled, width: int | None = None) -> "QuantumCircuit":
    """A compiled circuit on all qubits of its device, with one classical register."""
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    small = compiled.circuit
    full = QuantumCircuit(
        QuantumRegister(small.num_qubits if width is None else width, "q"),
        ClassicalRegister(small.num_clbits, _BITS),
        global_phase=small.global_phase,
    )
    for step in small.data:
        qubits = [compiled.physical[small.find_bit(qubit).index] for qubit in step.qubits]
        bits = [small.find_bit(bit).index for bit in step.clbits]
        full.append(step.operation, qubits, bits)
    return full


def sampler(mode: Any, options: dict[str, Any]) -> Any:
    """The runtime's sampler: ``SamplerV2`` as long as there is one, then its successor."""
    runtime = import_module("qiskit_ibm_runtime")
    kind = getattr(runtime, "SamplerV2", None)
    if kind is None:
        kind = import_module("qiskit_ibm_runtime.executor_sampler").Sampler
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return kind(mode=mode, options=options)


def read(result: Any, bits: int) -> NDArray[np.int8]:
    """Shots of a sampler's result; column ``i`` is classical bit ``i``.

    Raises
    ------
    VendorError
        Where it is not the result of one circuit with as many bits.
    """
    try:
        array = getattr(result[0].data, _BITS).to_bool_array(order="little")
        rows = np.asarray(array, dtype=np.int8)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        rows = np.zeros((0, 0), dtype=np.int8)
    if rows.ndim != 2 or rows.shape[1] != bits:
        raise VendorError(f"{VENDOR} answered what is no result of one circuit of {bits} bits")
    return rows


class IbmJob:
    """One circuit at IBM (`qopt.solvers.qaoa.devices.jobs.VendorJob`).

    Parameters
    ----------
    account : Account
    backend : IBMBackend
    circuit : QuantumCircuit
        As `on_device` gives it.
    shots : int
    """

    vendor = VENDOR
    idempotent = False

    def __init__(
        self, account: "Account", backend: Any, circuit: "QuantumCircuit", shots: int
    ) -> None:
        self._account, self._backend = account, backend
        self._circuit, self._shots = circuit, shots

    def submit(self, key: str) -> str:
        """Send it, with the key as tag."""
        options = {"environment": {"job_tags": [_tag(key)]}}

        def send() -> str:
            job = sampler(self._backend, options).run([self._circuit], shots=self._shots)
            return str(job.job_id())

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._account.attempt(send, submission=True)

    def find(self, key: str) -> str | None:
        """The job with this tag."""
        service = self._account.service
        jobs = self._account.attempt(lambda: service.jobs(limit=1, job_tags=[_tag(key)]))
        return str(jobs[0].job_id()) if jobs else None

    def state(self, job: str) -> JobState:
        """Where it stands."""

        def ask() -> tuple[str, str]:
            known = self._account.service.job(job)
            status = str(getattr(known.status(), "name", known.status()))
            return status, str(known.error_message() or "") if status == "ERROR" else ""

        status, why = self._account.attempt(ask)
        if status in ("ERROR", "CANCELLED"):
            text = plain(why or status.lower(), self._account.secret)
            return JobState(status.lower(), failure=text)
        return JobState(status.lower(), done=status == "DONE")

    def fetch(self, job: str) -> Fetched:
        """Its shots, and its times."""

        def ask() -> tuple[Any, Any]:
            known = self._account.service.job(job)
            return known.result(), known.metrics()

        result, metrics = self._account.attempt(ask)
        bits = read(result, self._circuit.num_clbits)
        metrics = metrics if isinstance(metrics, dict) else {}
        stamps = metrics.get("timestamps") or {}
        created, began, ended = (
            instant(stamps.get(name)) for name in ("created", "running", "finished")
        )
        return Fetched(
            bits, "single shots", device_seconds=_charged(metrics),
            queue_seconds=between(created, began), execution_seconds=between(began, ended),
        )


def _charged(metrics: dict[str, Any]) -> float | None:
    """The seconds that IBM charges; None as long as it has not counted them."""
    usage = metrics.get("usage") or {}
    if usage.get("status") == "pending":
        return None
    for name in ("qpu_charge_time_seconds", "quantum_seconds", "seconds"):
        seconds = usage.get(name)
        if isinstance(seconds, int | float):
            return float(seconds)
    return None


def _tag(key: str) -> str:
    return f"qopt-{key[:40]}"


class Account:
    """The user's account, as qiskit-ibm-runtime finds it.

    Raises
    ------
    CredentialsError
        Where there is none, or IBM does not take it.
    VendorError
        Where IBM cannot be reached.
    """

    def __init__(self) -> None:
        import os

        runtime = import_module("qiskit_ibm_runtime")
        self.secret = os.environ.get("QISKIT_IBM_TOKEN", "")
        self.service: Any = self._definitely(runtime.QiskitRuntimeService)
        self.secret = str((self.service.active_account() or {}).get("token") or self.secret)

    def __repr__(self) -> str:
        return "Account()"

    def backend(self, called: str) -> Any:
        """A device of the account.

        Raises
        ------
        UnknownNameError
            With those that the account has.
        """
        from qiskit.providers import QiskitBackendNotFoundError

        def ask() -> Any:
            try:
                return self.service.backend(called)
            except QiskitBackendNotFoundError:
                return None

        found = self._definitely(ask)
        if found is None:
            names = [each.name for each in self._definitely(self.service.backends)]
            raise UnknownNameError("device", PREFIX + called, [PREFIX + each for each in names])
        return found

    def _definitely(self, call: Callable[[], _T]) -> _T:
        """The answer of a call that is not repeated here: the runtime itself does."""
        watch = Watch(Budget().start(), Progress())
        try:
            return attended(lambda: self.attempt(call), watch, CALL_SECONDS)
        except Busy as fault:
            text = str(fault)
        raise VendorError(f"{text}; try again later")

    def attempt(self, call: Callable[[], _T], *, submission: bool = False) -> _T:
        """One call; `Busy` where it may be repeated, `Unsure` for submissions of unknown fate."""
        try:
            return call()
        except VendorError:
            raise
        except UsageError:
            raise
        except Exception as fault:  # the runtime wraps faults of four libraries
            trouble = _meaning(fault, submission, self.secret)
        raise trouble


def _meaning(fault: Exception, submission: bool, secret: str) -> Exception:
    """What a fault of the runtime means, by the whole chain of what led to it."""
    chain = _chain(fault)
    names = {type(each).__name__ for each in chain}
    codes = [
        code for each in chain if type(code := getattr(each, "status_code", None)) is int
        and code > 0
    ]
    code = codes[0] if codes else 0
    said = plain(fault, secret)
    if names & {"NewConnectionError", "ConnectTimeoutError", "NameResolutionError"}:
        return Busy(f"{VENDOR} cannot be reached")
    if "AccountNotFoundError" in names:
        return CredentialsError(f"{VENDOR} needs an account: {_HOW}")
    refused = {"IBMNotAuthorizedError", "InvalidAccountError", "IBMAccountError"}
    if names & refused or code in (401, 403) or "API key could not be found" in said:
        return CredentialsError(
            f"{VENDOR} does not take the account's key, or it may not do this: {_HOW}"
        )
    if code == 429:
        return Busy(f"{VENDOR} is asked too often (HTTP 429)")
    network = {"RequestsApiError", "RequestException", "ConnectionError", "HTTPError"}
    unknown = code >= 500 or (not code and bool(names & network)) or "ReadTimeout" in names
    if unknown:
        words = f"{VENDOR} does not answer as it should ({code or type(fault).__name__})"
        return Unsure(words) if submission else Busy(words)
    return VendorError(f"{VENDOR} refused or failed: {said}")


def _chain(fault: BaseException) -> list[BaseException]:
    """A fault and all that led to it, reasons of urllib3 included."""
    found: list[BaseException] = []
    waiting: list[Any] = [fault]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in found:
            found.append(each)
            waiting += [each.__cause__, each.__context__, getattr(each, "reason", None)]
    return found
