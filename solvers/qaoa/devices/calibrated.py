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
from qopt.errors import MissingPackageError, SizeError, UnknownNameError, UsageError

from .. import compile as compiler
from ..ansatz import Angles, Ansatz
from ..circuit import one_qubit_gates
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
    way : {"auto", "routes", "line", "qiskit"}
        Of the compiler.
    trajectories : int, optional
    threads : int
    execute : bool
        Whether circuits will be simulated with its noise, not only compiled.

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
        way: compiler.Way = "auto",
        trajectories: int | None = None,
        threads: int = 1,
        execute: bool = True,
    ) -> None:
        self.name = name
        self._short = name.removeprefix(PREFIX)
        if self._short not in device_names():
            known = [PREFIX + each for each in device_names()]
            raise UnknownNameError("device", name, known)
        self._level, self._tries, self._way = level, tries, way
        self._trajectories = trajectories
        self._threads = threads
        self._most = MOST_QUBITS if execute else device_qubits(self._short)
        self._backend: Any = None
        self._target: Any = None

    def load(self) -> None:
        """Read the calibration."""
        import qiskit_aer.noise  # noqa: F401 - the import is what takes time

        self._backend = _backend(self._short)
        self._target = compiler.usable_target(self._backend.target)

    def check_size(self, ansatz: Ansatz) -> None:
        """Refuse what the device or the simulator cannot hold."""
        qubits, region = ansatz.cost.qubits, compiler.largest_region(self._target)
        if qubits > min(region, self._most):
            holder = "has that many usable, connected qubits" if region <= self._most else (
                "is simulated with its noise only up to there"
            )
            raise SizeError(
                f"device {self.name!r}", qubits, min(region, self._most), "qubits",
                f"it {holder}; {REMEDY}",
            )

    def compile(self, ansatz: Ansatz, seed: int, watch: Watch) -> Compiled:
        """The likeliest to succeed of several compilations, on its active qubits alone."""
        target = self._target
        options = compiler.CompileOptions(
            way=self._way, level=self._level, seed=seed, tries=self._tries,
            most_qubits=self._most,
        )
        clock = watch.clock
        routed = compiler.compile_ansatz(
            ansatz, target, options, lambda: watch.past(_SHARE),
            max(0.0, _SHARE * clock.limit - clock.elapsed),
        )
        circuit = compiler.restrict(routed.circuit, routed.qubits)
        cut = "" if routed.complete else "; the time limit ended the search for others"
        unread = routed.circuit.remove_final_measurements(inplace=False)
        length = compiler.duration(routed.circuit, target)
        configuration = self._backend.configuration()
        properties = self._backend.properties()
        return Compiled(
            ansatz=ansatz,
            circuit=circuit,
            physical=routed.qubits,
            one_qubit_gates=one_qubit_gates(circuit, free=compiler.free_gates(target)),
            success_probability=routed.success_probability,
            duration=length,
            repetition_delay=getattr(configuration, "default_rep_delay", _REPETITION_DELAY),
            details={
                "compiler": f"{routed.method}, best of {routed.compilations} circuits{cut}",
                "compile_seed": routed.seed,
                "success": routed.success.to_json(),
                "physical_qubits": list(routed.qubits),
                "calibration_date": properties.last_update_date.isoformat(),
                "calibration_hash": calibration_key(self._backend.target, properties),
                "noise": MODELLED,
                "readout_seconds": length - compiler.duration(unread, target),
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

        def noise() -> Noise:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Aer warns of every T2 that a calibration rounds
                return calibrated_noise(
                    compiled.circuit, compiled.physical, self._backend.target,
                    self._backend.properties(),
                )

        return sample_noisy(
            compiled, noise, shots, seed, watch,
            trajectories=self._trajectories, threads=self._threads,
        )


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
        if options.way in ("routes", "line") and options.level is not None:
            raise UsageError(
                f"optimisation_level is for qiskit's compiler, and compiler={options.way} asks for "
                "another: drop one"
            )
        return CalibratedDevice(
            name,
            level=DEFAULT_LEVEL if options.level is None else options.level,
            tries=DEFAULT_TRIES if options.tries is None else options.tries,
            way=options.way or "auto",
            trajectories=options.trajectories,
            threads=options.threads,
            execute=options.execute,
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
