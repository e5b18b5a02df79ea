"""IBM's devices as their last published calibrations have them, simulated by qiskit-aer."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qopt.devices import Description, DeviceSize
from qopt.errors import MissingPackageError, SizeError, UnknownNameError

from .. import compile as compiler
from ..ansatz import Angles, Ansatz
from ..circuit import ORDERS, build_circuit, one_qubit_gates
from ..noise import MODELLED, Noise, calibrated_noise, calibration_key
from ..simulate.noisy import MOST_QUBITS
from ..simulate.statevector import REMEDY
from .device import Compiled, DeviceOptions, Samples, Watch
from .noisy import sample_noisy

PREFIX = "aer:"

DEFAULT_LEVEL = 3
DEFAULT_TRIES = 4

_SHARE = 0.6
"""Share of a time limit after which no more compilations begin: the circuit is to be executed."""

_REPETITION_DELAY = 250e-6
"""IBM's usual delay between shots, where a backend does not say."""


_INVENTED = ("fractional", "nighthawk")
"""Fake backends whose error rates are, by their own word, of no real device."""


class CalibratedDevice:
    """A device of `device_names`, with its couplings and noise.

    Parameters
    ----------
    name : str
        ``"aer:torino"``.
    level : int
        Optimisation level of qiskit's compiler.
    tries : int
        Seeds of the compiler, each with every order of gates.
    trajectories : int, optional
    threads : int

    Raises
    ------
    UnknownNameError
        With the nearest names.
    MissingPackageError
        Without qiskit-ibm-runtime, which holds the calibrations.
    """

    hypothetical = False
    simulated = noisy = True

    def __init__(
        self,
        name: str,
        *,
        level: int = DEFAULT_LEVEL,
        tries: int = DEFAULT_TRIES,
        trajectories: int | None = None,
        threads: int = 1,
    ) -> None:
        self.name = name
        self._short = name.removeprefix(PREFIX)
        if self._short not in device_names():
            known = [PREFIX + each for each in device_names()]
            raise UnknownNameError("device", name, known)
        self._level, self._tries = level, tries
        self._trajectories = trajectories
        self._threads = threads
        self._backend: Any = None
        self._target: Any = None
        self._noises: dict[Any, Noise] = {}

    def load(self) -> None:
        """Read the calibration."""
        import qiskit_aer.noise  # noqa: F401 - the import is what takes time

        self._backend = _backend(self._short)
        self._target = compiler.usable_target(self._backend.target)

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what the device or the simulator cannot hold."""
        qubits, region = ansatz.cost.qubits, compiler.largest_region(self._target)
        if qubits > min(region, MOST_QUBITS):
            holder = "has that many usable, connected qubits" if region < MOST_QUBITS else (
                "is simulated with its noise only up to there"
            )
            raise SizeError(
                f"device {self.name!r}", qubits, min(region, MOST_QUBITS), "qubits",
                f"it {holder}; {REMEDY}",
            )

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The likeliest to succeed of several compilations, on its active qubits alone."""
        target = self._target
        routed = compiler.compile_circuit(
            [build_circuit(ansatz, order) for order in ORDERS],
            target,
            level=self._level,
            seed=seed,
            tries=self._tries,
            most_qubits=MOST_QUBITS,
            over=lambda: watch.past(_SHARE),
        )
        circuit = compiler.restrict(routed.circuit, routed.qubits)
        chosen, planned = f"best of {self._tries} seeds", self._tries * len(ORDERS)
        if routed.compilations < planned:
            chosen = f"best of {routed.compilations} compilations, {planned} were planned"
        configuration = self._backend.configuration()
        properties = self._backend.properties()
        return Compiled(
            ansatz=ansatz,
            circuit=circuit,
            physical=routed.qubits,
            one_qubit_gates=one_qubit_gates(circuit, free=compiler.free_gates(target)),
            success_probability=routed.success_probability,
            duration=compiler.duration(routed.circuit, target),
            repetition_delay=getattr(configuration, "default_rep_delay", _REPETITION_DELAY),
            details={
                "compiler": f"qiskit, level {self._level}, {chosen}",
                "compile_seed": routed.seed,
                "physical_qubits": list(routed.qubits),
                "calibration_date": properties.last_update_date.isoformat(),
                "calibration_hash": calibration_key(self._backend.target, properties),
                "noise": MODELLED,
            },
        )

    def prepare(
        self, ansatz: Ansatz, layers: int, seed: int, watch: Watch
    ) -> Callable[[Angles], Compiled]:
        """One circuit with parameters for angles."""
        from qiskit.circuit import Parameter

        names: Any = [[Parameter(f"{kind}_{i}") for i in range(layers)] for kind in ("g", "b")]
        template = self.compile(
            ansatz.at(Angles(tuple(names[0]), tuple(names[1]))), seed, watch
        )

        def bind(angles: Angles) -> Compiled:
            values = dict(zip([*names[0], *names[1]], angles.flat, strict=True))
            bound = template.circuit.assign_parameters(values)
            return replace(template, ansatz=ansatz.at(angles), circuit=bound)

        return bind

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Shots under the calibrated noise."""
        return sample_noisy(
            compiled, lambda: self.noise(compiled), shots, seed, watch,
            trajectories=self._trajectories, threads=self._threads,
        )

    def noise(self, compiled: Compiled) -> Noise:
        """The calibrated noise of a circuit's gates and readout."""
        # It depends on the names of the gates alone, and takes longer than a small circuit.
        key = compiled.physical, frozenset(gate.operation.name for gate in compiled.circuit.data)
        if key not in self._noises:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Aer warns of every T2 that a calibration rounds
                self._noises[key] = calibrated_noise(
                    compiled.circuit, compiled.physical, self._backend.target,
                    self._backend.properties(),
                )
        return self._noises[key]


class CalibratedFamily:
    """IBM's devices by their calibrations."""

    def sizes(self) -> tuple[DeviceSize, ...]:
        """All, the smallest first; simulated with noise only up to a smaller size."""
        sizes = [
            DeviceSize(PREFIX + name, device_qubits(name), simulated=MOST_QUBITS, real=True)
            for name in device_names()
        ]
        return tuple(sorted(sizes, key=lambda size: (size.qubits, size.name)))

    def describe(self, name: str) -> Description:
        """What it is."""
        device = self.open(name, DeviceOptions())
        short = name.removeprefix(PREFIX)
        return Description(
            device.name, f"IBM's {short} by a published calibration, simulated by qiskit-aer",
            device_qubits(short), couples_all=False, basis=_basis(short), simulated=True,
            noisy=True,
        )

    def open(self, name: str, options: DeviceOptions) -> CalibratedDevice:
        """The device."""
        return CalibratedDevice(
            name,
            level=DEFAULT_LEVEL if options.level is None else options.level,
            tries=DEFAULT_TRIES if options.tries is None else options.tries,
            trajectories=options.trajectories,
            threads=options.threads,
        )


FAMILY = CalibratedFamily()


@lru_cache(maxsize=1)
def device_names() -> tuple[str, ...]:
    """Devices whose calibrations qiskit-ibm-runtime holds; found without importing it."""
    return tuple(sorted(
        path.name
        for path in _calibrations().iterdir()
        if (path / f"props_{path.name}.json").exists() and path.name not in _INVENTED
    ))


def device_qubits(name: str) -> int:
    """Qubits of a device of `device_names`, dead ones included, as its configuration says."""
    return int(_configuration(name)["n_qubits"])


def _basis(name: str) -> tuple[str, ...]:
    return tuple(_configuration(name)["basis_gates"])


def _configuration(name: str) -> dict[str, Any]:
    text = (_calibrations() / name / f"conf_{name}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _calibrations() -> Path:
    """The folder of qiskit-ibm-runtime that holds a folder a device."""
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("a device named aer:...", ["qiskit-ibm-runtime"])
    return Path(spec.submodule_search_locations[0]) / "fake_provider" / "backends"


@lru_cache(maxsize=4)
def _backend(name: str) -> Any:
    module = import_module("qiskit_ibm_runtime.fake_provider.fake_backend")
    home = import_module(f"qiskit_ibm_runtime.fake_provider.backends.{name}")
    kinds = [
        value
        for value in vars(home).values()
        if isinstance(value, type) and issubclass(value, module.FakeBackendV2)
    ]
    return kinds[0]()
