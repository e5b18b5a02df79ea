"""IBM's devices as their published calibrations or snapshot files have them, simulated by Aer."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qopt.calibration import STALE_DAYS, Calibration
from qopt.devices import Description, DeviceSize
from qopt.errors import SizeError, UnknownNameError, UnsupportedError

from .. import compile as compiler
from ..ansatz import Angles, Ansatz
from ..circuit import one_qubit_gates
from ..noise import MODELLED, Noise, calibrated_noise
from ..simulate.noisy import MOST_QUBITS
from ..simulate.statevector import REMEDY
from ..target_of import target_of
from .device import Compiled, DeviceOptions, Samples, Watch, noise_words
from .ibm_calibration import device_names, device_qubits, packaged_calibration
from .noisy import check_share, sample_noisy

PREFIX = "aer:"
SNAPSHOT = ".json"
"""How the name of a device ends that is a snapshot's file."""

STALE = "stale-calibration"
"""Code of the caveat of an old snapshot."""

DEFAULT_LEVEL = 3
DEFAULT_TRIES = 4

_SHARE = 0.6
"""Share of a time limit after which no more compilations begin: the circuit is to be executed."""


class CalibratedDevice:
    """A device of `device_names` or of a snapshot's file, with its couplings and noise.

    Parameters
    ----------
    name : str
        ``"aer:torino"``, or ``"aer:FILE.json"`` for what `Calibration.write` wrote.
    level : int
        Optimisation level of qiskit's compiler.
    tries : int
        Seeds of the compiler, each with every order of gates.
    way : {"auto", "routes", "line", "qiskit"}
        Of the compiler.
    trajectories : int, optional
    threads : int
    noise_scale : float
        What gate and readout errors and the rates of relaxation are multiplied by. Circuits are
        compiled for the device as it is, so that they are the same at every scale.
    execute : bool
        Whether circuits will be simulated with its noise, not only compiled.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    ParseError
        Where a file is no calibration.
    MissingPackageError
        Without qiskit-ibm-runtime, which holds the calibrations.
    """

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
        noise_scale: float = 1.0,
        execute: bool = True,
    ) -> None:
        short = name.removeprefix(PREFIX)
        self._read: Callable[[], Calibration] = lambda: packaged_calibration(short)
        if (snapshot := snapshot_of(name)) is not None:
            name = PREFIX + snapshot.name
            self._read = lambda: snapshot
        elif short not in device_names():
            raise UnknownNameError("device", name, [PREFIX + each for each in device_names()])
        self._snapshot = snapshot is not None
        self.name = name + noise_words(noise_scale)
        self.hypothetical = noise_scale != 1.0
        self._level, self._tries, self._way = level, tries, way
        self._trajectories = trajectories
        self._threads = threads
        self._scale = noise_scale
        self._execute = execute
        self._target: Any = None
        self._noises: dict[Any, Noise] = {}
        self._scaled_target: Any = None
        self._scaled: Any = None

    @property
    def calibration(self) -> Calibration:
        """As it was measured, whatever the noise is scaled by."""
        return self._read()

    @property
    def _most(self) -> int:
        """Qubits that may be in use."""
        return MOST_QUBITS if self._execute else len(self.calibration.qubits)

    def load(self) -> None:
        """Read the calibration, and load the compiler and the simulator."""
        import qiskit_aer.noise  # noqa: F401 - the import is what takes time

        compiler.warm_up()
        self._target = compiler.usable_target(target_of(self.calibration))
        self._scaled, self._scaled_target = self.calibration, self._target
        if self._scale != 1.0:
            self._scaled = self.calibration.scaled(self._scale)
            self._scaled_target = target_of(self._scaled)

    @property
    def target(self) -> Any:
        """Its usable gates: a qiskit ``Target``."""
        return self._target

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
        routed = self._route(ansatz, seed, watch)
        circuit = compiler.restrict(routed.circuit, routed.qubits)
        self._check_scale(circuit, routed.qubits)
        success = routed.success
        if self._scale != 1.0:
            success = compiler.success(routed.circuit, self._scaled_target)
        cut = "" if routed.complete else "; the time limit ended the search for others"
        unread = routed.circuit.remove_final_measurements(inplace=False)
        length = compiler.duration(routed.circuit, target)
        return Compiled(
            ansatz=ansatz,
            circuit=circuit,
            physical=routed.qubits,
            one_qubit_gates=one_qubit_gates(circuit, free=compiler.free_gates(target)),
            success_probability=success.total,
            duration=length,
            repetition_delay=self.calibration.repetition_delay,
            details={
                "compiler": f"{routed.method}, best of {routed.compilations} circuits{cut}",
                "compile_seed": routed.seed,
                "success": success.to_json(),
                "physical_qubits": list(routed.qubits),
                **self._told(),
                "noise": MODELLED,
                "readout_seconds": length - compiler.duration(unread, target),
            },
        )

    def _route(self, ansatz: Ansatz, seed: int, watch: Watch) -> compiler.Routed:
        """A compiled circuit on all of the device's qubits.

        Raises
        ------
        UnsupportedError
            Where the device's gates cannot make the circuit: a snapshot may lack some.
        """
        from qiskit.transpiler.exceptions import TranspilerError

        options = compiler.CompileOptions(
            way=self._way, level=self._level, seed=seed, tries=self._tries,
            most_qubits=self._most,
        )
        clock = watch.clock
        try:
            return compiler.compile_ansatz(
                ansatz, self._target, options, lambda: watch.past(_SHARE),
                max(0.0, _SHARE * clock.limit - clock.elapsed),
            )
        except TranspilerError as fault:
            gates = ", ".join(self.calibration.gates)
            raise UnsupportedError(
                f"qiskit cannot compile the circuit for {self.name}, whose gates are "
                f"{gates or 'none'}; a snapshot needs those of its device"
            ) from fault

    def _told(self) -> dict[str, Any]:
        """What the record says of the calibration."""
        calibration = self.calibration
        told: dict[str, Any] = {
            "calibration_device": calibration.name,
            "calibration_date": calibration.date,
            "calibration_hash": calibration.key,
            "calibration_source": calibration.source,
            "noise_scale": self._scale,
        }
        days = calibration.age()
        if self._snapshot and days > STALE_DAYS:
            told["caveats"] = {
                STALE: f"the noise is of a calibration of {calibration.name} on "
                f"{calibration.date[:10]}, {days:.0f} days old: the device has drifted since, and "
                "a new snapshot would tell how far"
            }
        return told

    def _check_scale(self, circuit: Any, physical: tuple[int, ...]) -> None:
        """Refuse a scale at which a gate or a readout of the circuit were worse than chance.

        Raises
        ------
        UsageError
        """
        if self._scale <= 1.0:
            return
        calibration = self.calibration
        errors = {
            (name, gate.qubits): (gate.error, 1.0 - 0.5 ** len(gate.qubits))
            for name in {each.operation.name for each in circuit.data} & set(calibration.gates)
            for gate in calibration.gates[name]
            if gate.error is not None
        }
        used = {
            (each.operation.name, tuple(physical[circuit.find_bit(q).index] for q in each.qubits))
            for each in circuit.data
        }
        shares = [(f"gate {name} on {list(at)}", *errors[name, at])
                  for name, at in sorted(used & set(errors))]
        for qubit in physical:
            known = calibration.qubits[qubit]
            worst = max(known.misread_zero, known.misread_one)
            shares.append((f"reading qubit {qubit}", worst, 0.5))
        # At its limit a gate leaves nothing of the state, and a readout tells nothing.
        check_share(self._scale, shares)

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
        samples = sample_noisy(
            compiled, lambda: self.noise(compiled), shots, seed, watch,
            trajectories=self._trajectories, threads=self._threads,
        )
        return replace(samples, method=samples.method + noise_words(self._scale))

    def noise(self, compiled: Compiled) -> Noise:
        """The calibrated noise of a circuit's gates and readout."""
        # It depends on the names of the gates alone, and takes longer than a small circuit.
        key = compiled.physical, frozenset(gate.operation.name for gate in compiled.circuit.data)
        if key not in self._noises:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Aer warns of every T2 that a calibration rounds
                self._noises[key] = calibrated_noise(
                    compiled.circuit, compiled.physical, self._scaled
                )
        return self._noises[key]


def snapshot_of(name: str) -> Calibration | None:
    """What a device's file holds; None where its name is none of a snapshot's.

    Raises
    ------
    ParseError
        Where the file is no calibration.
    """
    if not (name.startswith(PREFIX) and name.endswith(SNAPSHOT)):
        return None
    return Calibration.read(name.removeprefix(PREFIX))


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
        calibration = device.calibration
        return Description(
            device.name,
            f"{calibration.name} by its calibration of {calibration.date[:10]}, simulated by "
            "qiskit-aer",
            len(calibration.qubits), couples_all=False,
            basis=tuple(name for name in calibration.gates if name not in ("id", "reset")),
            simulated=True, noisy=True, calibration=calibration,
            facts={"simulated_up_to_qubits": MOST_QUBITS, "noise": MODELLED},
        )

    def open(self, name: str, options: DeviceOptions) -> CalibratedDevice:
        """The device."""
        options.check(name, compiles=True, noisy=True)
        return CalibratedDevice(
            name,
            level=DEFAULT_LEVEL if options.level is None else options.level,
            tries=DEFAULT_TRIES if options.tries is None else options.tries,
            way=options.way or "auto",
            trajectories=options.trajectories,
            threads=options.threads,
            noise_scale=1.0 if options.noise_scale is None else options.noise_scale,
            execute=options.execute,
        )


FAMILY = CalibratedFamily()
