"""QAOA as a solver: train angles, compile, execute, and say what it took."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from qopt.devices import CircuitFacts, full_name
from qopt.errors import UsageError
from qopt.estimate import Forecast
from qopt.forms import Group, Qubo, Table
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .. import postprocess as postprocessing
from ..postprocess import Postprocess
from . import circuit as circuits
from . import closed_form
from .angles import BY_SHOTS, Trained, Training
from .ansatz import LARGEST_ANGLE, Angles, Ansatz, TermAngles
from .compile import Way
from .devices import Device, DeviceOptions, Samples, Watch, open_device
from .devices.calibrated import snapshot_of
from .devices.mps import NAME as MPS
from .estimate import forecast
from .frameworks.openqasm import openqasm
from .mitigate import NONE, Choice, Extrapolation, Folding, ReadoutCalibration
from .mixers import GROUP_MIXERS
from .plans import Admission
from .results import (
    add_caveat,
    describe,
    describe_start,
    execution,
    mitigate,
    mitigation_words,
    outcome,
    run_again,
    unfinished,
)
from .simulate import StoppedError, Units, warm_up
from .simulate.opening import seconds_to_open
from .simulate.threads import blas_threads
from .stored_angles import StoredAngles
from .tables import solve_table
from .training import AngleFinder
from .warm_start import WarmStart, WarmStartName, warm_start

_FAITHFUL = 0.99
"""Estimated fidelity below which a truncated state is not passed for the exact one."""

_ANY_ANGLE = 0.1
"""An angle like any other, where a circuit is compiled for its structure."""

_WORTH_GATES = 1.25
"""So many times the two-qubit gates may a circuit have, on a device with noise, to keep groups."""

_MIXERS = {
    "x": "exp(-i beta sum X)",
    "tilted": "product of exp(-i beta (sin(t) X + cos(t) Z)), t the tilt of each qubit, from the "
    "product of ry(t)|0>",
    "ring": "product of exp(-i beta (XX + YY) / 2) over neighbours on a ring in each group, in the "
    "order of mixers.ring_pairs, exp(-i beta X) elsewhere",
    "complete": "product of exp(-i beta (XX + YY) / 2) over all pairs in each group, in the order "
    "of mixers.complete_pairs, exp(-i beta X) elsewhere",
    "grover": "exp(-i beta |s><s|), s the initial state",
}


MixerChoice = Literal["auto", "x", "ring", "complete", "grover"]


@dataclass(frozen=True, kw_only=True)
class Qaoa:
    """The quantum approximate optimisation algorithm (Farhi et al., arXiv 1411.4028).

    A model with exactly-k groups is searched among the bit strings that keep them, by a mixer that
    exchanges members and from their superposition (Dicke states; W states of one-hot groups).
    Other models, and grouped ones with ``mixer=x``, start in the uniform superposition under the
    transverse field; groups are penalties then. A table of values is a phase as it is, without a
    circuit: device=statevector and the mixer x alone. Angles are trained on the noiseless state, by
    its exact gradients or, where asked for, by shots of it; then one circuit is executed. A
    budget's evaluations bound the states that the training prepares.

    Parameters
    ----------
    p : int
        Layers.
    shots : int
        Shots of the final circuit.
    device : str
        'statevector' (no noise), 'mps:BOND' (no noise; a matrix product state of that bond
        dimension, 64 if left out and at most 512, for many qubits), 'aer:NAME' (an IBM device by
        its calibration: aer:torino, aer:fez, aer:sherbrooke, ...), 'FILE.json' (by a snapshot that
        `qopt devices snapshot` wrote) or 'depolarizing:P1;P2;READOUT' (all-to-all, these error
        rates). Other frameworks' simulators, without noise: 'qulacs', 'cirq', 'braket:local',
        'pennylane:default.qubit' and 'pennylane:lightning.qubit'. Devices that are paid for:
        'ibm:NAME' (ibm:torino; ibm:fake_torino runs in IBM's local mode), 'ionq:NAME'
        (ionq:qpu.forte-1, ionq:simulator) and 'braket:ARN'; a job is submitted once, and running
        the same again fetches its result.
    mixer : {"auto", "x", "ring", "complete", "grover"}
        'x' flips bits (the transverse field). The others keep groups and act within them:
        'ring' exchanges neighbours on a ring of the members, 'complete' all pairs of members
        (Hadfield et al., arXiv 1709.03489; Wang et al., arXiv 1904.09314), 'grover' rotates about
        the superposition of all strings that keep the groups (Baertschi and Eidenbenz, arXiv
        2006.00354). 'auto' takes 'x' for models without groups, with warm_start
        or multi_angle, and on mps; else 'complete' on devices without noise, where it is the best
        a layer, and on those with noise 'ring' or, where its circuit has over a quarter more
        two-qubit gates than that with penalties, 'x'.
    angles : tuple of float, optional
        Gammas, then betas, taken as they are instead of trained, for the normalised cost.
    angles_from : str, optional
        A file of earlier runs on other instances of the family, as ``qopt solve --json`` prints
        them, one or several: the median of their angles is taken, scaled to this instance, from
        those with p layers or, if there are none, from the next fewer and interpolated.
    warm_start : {"none", "convex", "multilinear", "annealing"}
        A classical start of the mixer 'x' instead of the uniform superposition (Egger, Marecek and
        Woerner, Quantum 5, 479, 2021): a continuous relaxation, made convex or as it is, or the
        answer of one short walk of simulated annealing. The record tells the start's own energy
        and whether a shot was better.
    warm_epsilon : float, optional
        How far the start keeps the probability of a one from 0 and 1: from 0, all of the start, to
        0.5, nothing of it; 0.1 for relaxations and 0.25 for annealing if left out.
    multi_angle : bool
        With the mixer 'x': train an angle for each term of the cost and each qubit, from one of a
        kind a layer (Herrman et al., Scientific Reports 12, 6781, 2022).
    objective : {"mean", "cvar", "gibbs"}
        What the training minimises: the mean energy, the mean of its lowest part (Barkoutsos et
        al., Quantum 4, 256, 2020), or Gibbs' objective ``-log <exp(-eta E)> / eta`` (Li et al.,
        Phys. Rev. Research 2, 023074, 2020).
    cvar_alpha : float, optional
        That part, above 0 and at most 1; 0.1 if left out.
    gibbs_eta : float, optional
        The eta, in units of one over the standard deviation of the energies of all states; 2 if
        left out.
    training : {"auto", "ramp", "fixed", "interp", "fourier", "multistart", "spsa", "cobyla"}
        How angles are found. One layer's are known in closed form (Ozaeta et al., arXiv
        2012.03421), and every way begins there.
        'auto' adds layer after layer by interpolation, each with a short descent by L-BFGS and
        adjoint gradients, and never ends above fewer layers;
        'fixed' takes those of regular graphs of large girth (Wurtz and Lykov, arXiv 2107.00677),
        stretched to the one layer's optimum (which it is for p=1), without a search;
        'ramp' takes the linear ramp (LR-QAOA, arXiv 2405.09169) without a search;
        'interp' and 'fourier' add layer after layer (Zhou et al., PRX 10, 021067, 2020), with
        descents to the end;
        'multistart' descends from the ramp and from random perturbations of it;
        'spsa' (Spall, 1998) and 'cobyla' (Powell, 1994) start from the ramp and see only shots,
        which count among the run's shots and circuits.
    restarts : int, optional
        Random starts of training=multistart beside the ramp; 9 if left out.
    training_shots : int, optional
        Shots an evaluation of training=spsa and training=cobyla; 1024 if left out.
    training_noise : bool
        Whether these shots are drawn from the device under its noise; 60 evaluations then, if the
        budget does not say.
    trajectories : int, optional
        Noise trajectories that the shots are drawn from; by default as many as some 20 s of one
        thread allow, and the density matrix where it is small.
    noise_scale : float, optional
        What the noise of a simulated device is multiplied by: 0.5 halves every error of gates and
        readout and the rates of relaxation, 0 leaves none, at most 10. The circuit stays the same;
        what is simulated is no real device then.
    precision : {"double", "single"}
        Of the amplitudes that the training and the noiseless device simulate; single precision
        takes half the time and memory, and is good to about six digits.
    optimisation_level : int, optional
        Of qiskit's compiler, 0 to 3; 3 if left out.
    compiler : {"auto", "routes", "line", "qiskit"}, optional
        How circuits come onto a device with couplings. 'routes': variables are placed by annealing,
        and terms, which commute, are done when swaps have made neighbours of their variables;
        'line': a swap network on the best line of qubits; 'qiskit': its own compiler. 'auto', the
        default, takes the likeliest to succeed of all. Mixers within groups are left to qiskit.
    compile_seed : int, optional
        Of the compiler; by default the run's seed.
    compile_tries : int, optional
        Seeds that the compiler tries, keeping the likeliest circuit to succeed; 4 if left out.
        'routes' anneals five placements for each.
    resubmit : bool
        For devices of a vendor: whether a job is submitted again whose submission was cut off, so
        that nobody knows whether the vendor took it; it may be paid twice then. Jobs that are known
        to be with their vendor are never submitted again, their results are fetched.
    mitigation : str
        How the device's noise is taken out of the mean energy: 'readout' (each qubit's readout
        errors inverted), 'mthree' (the same by IBM's package), 'zne' (zero-noise extrapolation),
        'pec' (probabilistic error cancellation, for small circuits), 'twirling' (Pauli twirling),
        'symmetry' (shots that keep the groups), 'cvar' (the lowest shots, a bound), or
        'readout+zne' and other pairs of a way to read and a way to change circuits. The answers
        stay the shots of the circuit itself; further circuits are executed beside, and their
        shots count.
    zne_factors : tuple of float, optional
        How many times the two-qubit gates the circuits of zne have, ascending from 1, each with
        all shots; 1, 3 and 5 if left out.
    zne_folding : {"local", "global"}, optional
        Whether each two-qubit gate or the whole circuit is done, undone and done again; 'local' if
        left out.
    zne_extrapolation : {"linear", "exponential", "richardson"}, optional
        What is fitted; 'exponential' if left out, towards the mean of random bits.
    mitigation_circuits : int, optional
        Random circuits of pec, 100 if left out, or twirling, 16.
    readout_calibration : {"circuits", "stored"}, optional
        Where readout errors come from: two circuits of half the shots each, or the device's
        calibration; 'circuits' if left out.
    mitigation_alpha : float, optional
        The share of the shots that mitigation=cvar takes; the circuit's estimated success
        probability if left out, for which their mean is a bound.
    postprocess : {"none", "repair", "descent"}
        What is made of the samples, and counted apart from them: 'repair' makes exactly-k groups
        hold by the fewest flips, 'descent' goes on from there to a local minimum.
    """

    p: int = 1
    shots: int = 1024
    device: str = "statevector"
    mixer: MixerChoice = "auto"
    angles: tuple[float, ...] | None = None
    angles_from: str | None = None
    warm_start: WarmStartName = "none"
    warm_epsilon: float | None = None
    multi_angle: bool = False
    objective: Literal["mean", "cvar", "gibbs"] = "mean"
    cvar_alpha: float | None = None
    gibbs_eta: float | None = None
    training: Training = "auto"
    restarts: int | None = None
    training_shots: int | None = None
    training_noise: bool = False
    trajectories: int | None = None
    noise_scale: float | None = None
    precision: Literal["double", "single"] = "double"
    optimisation_level: int | None = None
    compiler: Way | None = None
    compile_seed: int | None = None
    compile_tries: int | None = None
    resubmit: bool = False
    mitigation: str = NONE
    zne_factors: tuple[float, ...] | None = None
    zne_folding: Folding | None = None
    zne_extrapolation: Extrapolation | None = None
    mitigation_circuits: int | None = None
    readout_calibration: ReadoutCalibration | None = None
    mitigation_alpha: float | None = None
    postprocess: Postprocess = "none"

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("p", self.p, 1, 1000),
            ("shots", self.shots, 1, 10_000_000),
            ("restarts", self.restarts, 0, 10_000),
            ("training_shots", self.training_shots, 1, 10_000_000),
            ("trajectories", self.trajectories, 1, self.shots),
            ("optimisation_level", self.optimisation_level, 0, 3),
            ("compile_seed", self.compile_seed, 0, 2**31 - 1),
            ("compile_tries", self.compile_tries, 1, 1000),
        ):
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name} must be between {least} and {most}, got {value}")
        if self.angles is not None and len(self.angles) != 2 * self.p:
            raise UsageError(
                f"p={self.p} needs {2 * self.p} angles (gammas, then betas), got {len(self.angles)}"
            )
        self._check_training()
        self._check_objective()
        self._check_start()
        self.chosen_mitigation.check(self.open_device(), self.mixer)

    def _check_training(self) -> None:
        """Refuse options of the training where they do not act."""
        if self.angles is not None and self.angles_from is not None:
            raise UsageError("angles and angles_from are two sources of angles: drop one")
        for angle in self.angles or ():
            if not abs(angle) <= LARGEST_ANGLE:
                raise UsageError(
                    f"angles must be between -{LARGEST_ANGLE:g} and {LARGEST_ANGLE:g}, got "
                    f"{angle:g}: phases of larger ones are rounding errors"
                )
        if self._untrained and self.training != "auto":
            raise UsageError(f"angles are given, so training={self.training} cannot act: drop one")
        if self.angles_from is not None:
            _ = self.stored_angles  # refuse a bad file before anything runs
        if self.restarts is not None and self.training != "multistart":
            raise UsageError("restarts acts only with training=multistart")
        if self.training_shots is not None and self.training not in BY_SHOTS:
            raise UsageError("training_shots acts only with training=spsa or training=cobyla")
        if self.training_noise:
            if self.training not in BY_SHOTS:
                raise UsageError("training_noise acts only with training=spsa or training=cobyla")
            device = self.open_device()
            if not device.simulated:
                raise UsageError(
                    f"training_noise would submit a job to {self.device!r} for every evaluation: "
                    "train without it, or on a device that is simulated (aer:NAME)"
                )
            if not device.noisy:
                raise UsageError(f"device {self.device!r} has no noise: leave out training_noise")

    def _check_objective(self) -> None:
        """Refuse parameters of another objective, and such that mean nothing."""
        if self.cvar_alpha is not None:
            if self.objective != "cvar":
                raise UsageError("cvar_alpha acts only with objective=cvar")
            if not 0.0 < self.cvar_alpha <= 1.0:
                raise UsageError(
                    f"cvar_alpha must be above 0 and at most 1, got {self.cvar_alpha:g}"
                )
        if self.gibbs_eta is not None:
            if self.objective != "gibbs":
                raise UsageError("gibbs_eta acts only with objective=gibbs")
            if not 0.0 < self.gibbs_eta <= 1000.0:
                raise UsageError(
                    f"gibbs_eta must be above 0 and at most 1000, got {self.gibbs_eta:g}"
                )

    def _check_start(self) -> None:
        """Refuse variants that do not go together."""
        if self.warm_epsilon is not None:
            if self.warm_start == "none":
                raise UsageError("warm_epsilon acts only with a warm_start")
            if not 0.0 <= self.warm_epsilon <= 0.5:
                raise UsageError(f"warm_epsilon must be 0 to 0.5, got {self.warm_epsilon:g}")
        for name, wished in (
            (f"warm_start={self.warm_start}", self.warm_start != "none"),
            ("multi_angle=true", self.multi_angle),
        ):
            if wished and self.mixer in GROUP_MIXERS:
                raise UsageError(f"{name} goes with the mixer x, not mixer={self.mixer}")
        if self.multi_angle and self.angles is not None:
            raise UsageError("angles are given, so multi_angle cannot act: drop one")

    def solve(
        self, model: Qubo | Table, budget: Budget, seed: int, progress: Progress
    ) -> Outcome:
        """Train, compile and execute; a table is trained and sampled without a circuit.

        Raises
        ------
        SizeError
            Where the register fits neither simulator nor device.
        UnsupportedError
            For options that a table cannot have.
        """
        usage = Usage()
        if model.num_variables == 0:
            return Outcome(
                Status.FEASIBLE, np.zeros((1, 0), dtype=np.int8), usage=usage,
                reason="the model has no variables: nothing was executed",
            )
        if isinstance(model, Table):
            return solve_table(self, model, budget, seed, progress)
        with usage.phase("setup"):
            import qiskit  # noqa: F401 - the import is what takes time
        with usage.phase("compile"):
            ansatz = self.ansatz(model)
        with usage.phase("setup"):
            device = self._load(ansatz, budget.threads)
        with blas_threads(budget.threads):
            return self._run(model, ansatz, device, budget, seed, progress, usage)

    def _run(
        self, model: Qubo, ansatz: Ansatz, device: Device, budget: Budget, seed: int,
        progress: Progress, usage: Usage,
    ) -> Outcome:
        """All but the setup."""
        clock = budget.start()
        watch = Watch(clock, progress)
        needed = seconds_to_open(ansatz)
        if needed > clock.remaining:
            return unfinished(
                usage, progress,
                f"before it began: to set up the states within the groups takes some {needed:.0f} "
                "s; take fewer qubits, mixer=x or a longer limit",
            )
        seeds = np.random.SeedSequence(seed).generate_state(5)
        wished = self._compile_seed(seed)
        admission = Admission(self, budget.meter)
        admission.foresee(device)
        progress.step(0.0, "training angles")
        with usage.phase("optimise"):
            start = self._start(model, int(seeds[3]))
            if start is not None:
                ansatz = replace(ansatz, tilts=start.tilts)
            allowed = admission.training(
                budget, lambda: device.prepare(ansatz, self.p, wished, watch), device
            )
            finder = AngleFinder(self, model, ansatz, allowed, watch, int(seeds[0]), device)
            trained, noiseless = finder.find()
            units, where = finder.units, finder.where
            del finder  # and with it the amplitudes, beside which the last circuit's need not fit
        usage.evaluations = trained.evaluations
        usage.circuits, usage.shots = trained.circuits, trained.shots
        if watch.over:
            return unfinished(usage, progress, "before the circuit was compiled")
        progress.step(0.3, "compiling")
        with usage.phase("compile"):
            compiled = device.compile(ansatz.at(trained.angles), wished, watch)
            compiled = admission.execution(compiled, device, trained)
            describe(compiled, device, usage)
        plan = None
        if self.mitigation != NONE:
            try:
                with usage.phase("mitigate"):
                    plan = self.chosen_mitigation.plan(
                        model, ansatz, device, compiled, self.shots, int(seeds[4]),
                        lambda: watch.over,
                    )
            except StoppedError:
                return unfinished(usage, progress, "before the mitigation's circuits were made")
            admission.mitigation(plan, device)
        progress.step(0.4, "executing")
        with usage.phase("execute"):
            samples = device.sample(compiled, self.shots, int(seeds[2]), watch)
        shots = len(samples.bits)
        if not shots:
            found = unfinished(usage, progress, samples.unfinished or "before a shot was taken")
            # A job that is left with its vendor is found again by its circuit.
            found.details |= self._angles(trained) | samples.details
            return found
        usage.circuits, usage.shots = trained.circuits + 1, trained.shots + shots
        # Circuits of the training differ from the last one in nothing but their angles.
        usage.device_seconds = (
            compiled.seconds(usage.shots) if device.simulated else samples.device_seconds
        )
        mitigated = {} if plan is None else mitigate(plan, device, samples, watch, usage)
        details = self._details(model, ansatz, units, trained, noiseless)
        details |= {"simulator": where, **execution(compiled, samples), **mitigated}
        reason = self._reason(model, ansatz, samples, trained, noiseless, clock, progress)
        reason += mitigation_words(mitigated)
        with usage.phase("execute"):
            found = outcome(model, ansatz, samples, usage, details, reason, progress)
            if start is not None:
                describe_start(start, model, found, int(seeds[3]))
        self._caveats(found, trained)
        admission.tell(found)
        return postprocessing.improve(model, found, self.postprocess, clock, progress)

    def _caveats(self, found: Outcome, trained: Trained[Any]) -> None:
        """What must not be overlooked where runs are compared."""
        if not trained.complete:
            add_caveat(
                found, "training-cut",
                f"the training of angles was cut short ({trained.source})",
            )
        told = found.details.get("mitigation")
        if told is not None and told["mitigated"] is None:
            add_caveat(found, "no-mitigation", f"no mitigated mean: {told['reason']}")
        fidelity = found.details.get("estimated_fidelity", 1.0)
        if fidelity < _FAITHFUL:
            add_caveat(
                found, "truncated-state",
                f"the matrix product state was cut, to an estimated fidelity of {fidelity:.2g}; a "
                "larger bond dimension cuts less",
            )

    def estimate(self, model: Qubo | Table, budget: Budget, seed: int) -> Forecast:
        """What `solve` would take: angles are trained and a circuit is compiled, none executed.

        Raises
        ------
        SizeError
            Where the register does not fit the device.
        UnsupportedError
            For tables, which have no circuit.
        """
        with blas_threads(budget.threads):
            return forecast(self, model, budget, seed)

    def openqasm(self, model: Qubo, dialect: str = "qasm3") -> str:
        """The bound logical circuit of a model as OpenQASM, with angles as `solve` trains them.

        Parameters
        ----------
        model : Qubo
        dialect : str
            One of `frameworks.openqasm.DIALECTS`.

        Raises
        ------
        SizeError
            Where angles have to be trained and the register is too large for that.
        """
        return openqasm(self.circuit(model), dialect)

    def circuit(self, model: Qubo, seed: int = 0) -> Any:
        """The bound logical circuit of a model: a qiskit ``QuantumCircuit``."""
        ansatz, budget = self.ansatz(model), Budget()
        seeds = np.random.SeedSequence(seed).generate_state(4)
        ansatz = self.started(model, ansatz, int(seeds[3]))
        if self.angles is not None:
            return circuits.build_circuit(ansatz.at(Angles.split(self.angles)))
        watch = Watch(budget.start(), Progress())
        device = self.open_device()
        if self.training_noise:
            device.load()
        finder = AngleFinder(self, model, ansatz, budget, watch, int(seeds[0]), device)
        trained, _ = finder.find()
        return circuits.build_circuit(ansatz.at(trained.angles))

    def compile_only(
        self, model: Qubo, seed: int, details: Mapping[str, Any] | None = None
    ) -> CircuitFacts:
        """The circuit of a model on the device; nothing is trained or executed.

        Parameters
        ----------
        model : Qubo
        seed : int
            Of the run.
        details : mapping, optional
            Those of a run's record: its angles and tilts are taken. Without them all angles are
            alike.

        Raises
        ------
        SizeError
            Where the model does not fit the device.
        InputError
            Where the details are not of a run of this model.
        """
        ansatz = self.ansatz(model)
        if details is None:
            ansatz = ansatz.at(Angles((_ANY_ANGLE,) * self.p, (_ANY_ANGLE,) * self.p))
        else:
            ansatz = run_again(ansatz, details, multi_angle=self.multi_angle)
        device = self.open_device()
        device.load()
        device.check_size(ansatz)
        watch = Watch(Budget().start(), Progress())
        compiled = device.compile(ansatz, self._compile_seed(seed), watch)
        return CircuitFacts(
            hash=circuits.fingerprint(compiled.circuit),
            physical=compiled.physical,
            depth=circuits.depth(compiled.circuit),
            two_qubit_gates=circuits.two_qubit_gates(compiled.circuit),
            success_probability=compiled.success_probability,
        )

    @staticmethod
    def files(options: Mapping[str, Any]) -> dict[str, str]:
        """What the files that options name hold, as hashes: a run's key follows them."""
        found = {}
        angles = Path(options.get("angles_from") or "")
        if angles.is_file():
            found["angles_from"] = hashlib.sha256(angles.read_bytes()).hexdigest()
        if (snapshot := snapshot_of(full_name(options.get("device", "")))) is not None:
            found["device"] = snapshot.key
        return found

    def _compile_seed(self, seed: int) -> int:
        """The compiler's, of a run's."""
        if self.compile_seed is not None:
            return self.compile_seed
        return int(np.random.SeedSequence(seed).generate_state(4)[1] % 2**31)

    def ansatz(self, model: Qubo) -> Ansatz:
        """The initial state of a model.

        Raises
        ------
        UsageError
            Where a mixer acts within groups, and the model has none.
        """
        ansatz = Ansatz.of(model, self.mixer) if self.mixer != "auto" else self._best(model)
        if self.warm_start != "none":
            ansatz = replace(ansatz, tilts=np.full(model.num_variables, 0.5 * np.pi))
        return ansatz.at(TermAngles.none(ansatz.cost)) if self.multi_angle else ansatz

    def _best(self, model: Qubo) -> Ansatz:
        """The initial state of a model under mixer=auto."""
        varied = self.multi_angle or self.warm_start != "none"
        if not model.groups or varied or self.device.split(":")[0] == MPS:
            return Ansatz.of(model, "x")
        if not self.open_device().noisy:
            return Ansatz.of(model, "complete")
        layers = Angles((0.1,) * self.p, (0.1,) * self.p)
        ring, flips = (Ansatz.of(model, mixer) for mixer in ("ring", "x"))
        gates = [
            circuits.two_qubit_gates(circuits.build_circuit(each.at(layers)))
            for each in (ring, flips)
        ]
        return ring if gates[0] <= _WORTH_GATES * gates[1] else flips

    def started(self, model: Qubo, ansatz: Ansatz, seed: int) -> Ansatz:
        """The initial state with the tilts of its classical start, where one is asked for."""
        start = self._start(model, seed)
        return ansatz if start is None else replace(ansatz, tilts=start.tilts)

    def _start(self, model: Qubo, seed: int) -> WarmStart | None:
        """The classical start, where one is asked for."""
        if self.warm_start == "none":
            return None
        return warm_start(model.penalised(), self.warm_start, self.warm_epsilon, seed)

    @property
    def _untrained(self) -> bool:
        return self.angles is not None or self.angles_from is not None

    @property
    def chosen_mitigation(self) -> Choice:
        """The method and its options.

        Raises
        ------
        UsageError
            For unknown names, and options that do not act or are out of range.
        """
        return Choice(
            name=self.mitigation, zne_factors=self.zne_factors, zne_folding=self.zne_folding,
            zne_extrapolation=self.zne_extrapolation, mitigation_circuits=self.mitigation_circuits,
            readout_calibration=self.readout_calibration,
            mitigation_alpha=self.mitigation_alpha,
        )

    @property
    def stored_angles(self) -> StoredAngles | None:
        """What `angles_from` names.

        Raises
        ------
        InputError
            Where the file holds no angles.
        """
        return None if self.angles_from is None else StoredAngles.read(Path(self.angles_from))

    def open_device(self, threads: int = 1, *, execute: bool = True) -> Device:
        """The device with what its options choose.

        Parameters
        ----------
        threads : int
        execute : bool
            Whether it will execute, too, and not compile alone.
        """
        tries = self.compile_tries
        if tries is None and self.compile_seed is not None:
            tries = 4
        return open_device(
            self.device,
            DeviceOptions(
                threads=threads, precision=self.precision, level=self.optimisation_level,
                tries=tries, way=self.compiler, trajectories=self.trajectories,
                noise_scale=self.noise_scale, resubmit=self.resubmit, execute=execute,
            ),
        )

    def _load(self, ansatz: Ansatz, threads: int) -> Device:
        device = self.open_device(threads)
        device.load()
        if self.postprocess != "none":
            postprocessing.load()
        device.check_size(ansatz)
        warm_up(ansatz, self.precision)
        if ansatz.mixer == "x":
            closed_form.warm_up()
        if not self._untrained or self.warm_start != "none":
            import scipy.optimize  # noqa: F401 - the import is what takes time
        if ansatz.mixer == "grover":
            small = Qubo.from_arrays(np.ones(2), groups=[Group((0, 1), 1)])
            circuits.build_circuit(Ansatz.of(small, "grover").at(Angles((0.1,), (0.1,))))
        if self.warm_start != "none":
            warm_start(Qubo.from_arrays([1.0]), self.warm_start, None, 0)
        return device

    @staticmethod
    def _angles(trained: Trained[Any]) -> dict[str, Any]:
        return {
            name: np.asarray(getattr(trained.angles, name)).tolist() for name in ("gammas", "betas")
        }

    def _details(
        self, model: Qubo, ansatz: Ansatz, units: Units, trained: Trained[Any],
        noiseless: dict[str, float],
    ) -> dict[str, Any]:
        cost = ansatz.cost
        details: dict[str, Any] = {
            "p": trained.angles.layers,
            **self._angles(trained),
            "mixer": ansatz.mixer,
            "convention": _convention(ansatz, trained),
            "scale": cost.scale,
            "offset": cost.offset,
            "units": units._asdict(),
            "angles_from": trained.source,
            "training": "none" if self._untrained and not self.multi_angle else self.training,
            "objective": self.objective,
            "noiseless": noiseless,
            "uniform_mean": cost.offset,
        }
        if ansatz.tilts is not None:
            details["tilts"] = ansatz.tilts.tolist()
        if ansatz.groups:
            details["note"] = "means are over the bit strings that keep all groups"
        elif model.groups:
            details["penalties"] = {
                "groups": len(model.groups),
                "weights": sorted(set(model.penalty_weights())),
                "note": "energies in these details include the penalties",
            }
        return details

    def _reason(
        self, model: Qubo, ansatz: Ansatz, samples: Samples, trained: Trained[Any],
        noiseless: dict[str, float], clock: Clock, progress: Progress,
    ) -> str:
        words = [f"{len(samples.bits)} shots ({samples.method})", _mixing(model, ansatz)]
        if "expectation" in noiseless:
            extra = ", penalties included" if model.groups and not ansatz.groups else ""
            mean = f"{noiseless['expectation']:.6g}{extra}"
            words.append(f"noiseless mean energy of the QUBO {mean}")
        if (before := noiseless.get("expectation_with_one_angle_a_layer")) is not None:
            words[-1] += f" ({before:.6g} with one angle of a kind a layer)"
        if self.angles is None:
            words.append(f"angles by {trained.source}")
        if len(samples.bits) < self.shots and "job" not in samples.details:
            ended = "interrupted" if progress.stopping else "the time limit came"
            words.append(f"{ended} before all {self.shots} shots")
        elif clock.expired:
            words.append("the time limit came")
        return "; ".join(words)


def _mixing(model: Qubo, ansatz: Ansatz) -> str:
    """The mixer in words, and what becomes of groups."""
    kept = " within the groups" if ansatz.groups else " with groups as penalties"
    return f"mixer {ansatz.mixer}{kept if model.groups else ''}"


def _convention(ansatz: Ansatz, trained: Trained[Any]) -> str:
    """What the angles mean, for the record."""
    mixer = _MIXERS["x" if ansatz.tilts is None else "tilted"]
    if ansatz.groups:
        mixer = _MIXERS[ansatz.mixer]
    words = f"U = {mixer}, after exp(-i gamma C); energy = scale * C + offset; gammas then betas"
    if isinstance(trained.angles, TermAngles):
        words += "; a gamma for each field, then for each coupling by (row, col); a beta a qubit"
    return words
