"""QAOA as a solver: train angles, compile, execute, and say what it took."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Qubo
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

from .. import postprocess as postprocessing
from ..postprocess import Postprocess
from . import circuit as circuits
from .angle_search import DEFAULT_RESTARTS, DEFAULT_TRAINING_SHOTS, train
from .angles import BY_SHOTS, Allowance, Trained, Training, default_evaluations
from .ansatz import Angles, Ansatz
from .devices import Compiled, Device, Samples, Watch, open_device
from .mixers import GROUP_MIXERS, Mixer
from .objective import ConditionalValueAtRisk, Mean, Objective
from .simulate import check_size, open_simulator, warm_up

_MIXERS = {
    "x": "exp(-i beta sum X)",
    "ring": "product of exp(-i beta (XX + YY) / 2) over neighbours on a ring in each group, "
    "exp(-i beta X) elsewhere",
    "complete": "product of exp(-i beta (XX + YY) / 2) over all pairs in each group, "
    "exp(-i beta X) elsewhere",
    "grover": "exp(-i beta |s><s|), s the initial state",
}

_DEFAULT_ALPHA = 0.1

_TRAINING_SHARE = 0.4
"""Share of a time limit after which the angle search ends, so that there is time to execute."""


@dataclass(frozen=True, kw_only=True)
class Qaoa:
    """The quantum approximate optimisation algorithm (Farhi et al., arXiv 1411.4028).

    A model with exactly-k groups is searched among the bit strings that keep them, by a mixer that
    exchanges members and from their superposition (Dicke states; W states of one-hot groups).
    Other models, and grouped ones with ``mixer=x``, start in the uniform superposition under the
    transverse field; groups are penalties then. Angles are trained on the noiseless state, by its
    exact gradients or, where asked for, by shots of it; then one circuit is executed. A budget's
    evaluations bound the states that the training prepares.

    Parameters
    ----------
    p : int
        Layers.
    shots : int
        Shots of the final circuit.
    device : str
        'statevector' (no noise), 'aer:NAME' (an IBM device by its calibration: aer:torino, aer:fez,
        aer:sherbrooke, ...) or 'depolarizing:P1;P2;READOUT' (all-to-all, these error rates).
    mixer : {"auto", "x", "ring", "complete", "grover"}
        'x' flips bits (the transverse field). The others keep groups and act within them:
        'ring' exchanges neighbours on a ring of the members, 'complete' all pairs of members
        (Hadfield et al., arXiv 1709.03489; Wang et al., arXiv 1904.09314), 'grover' rotates about
        the superposition of all strings that keep the groups (Baertschi and Eidenbenz, arXiv
        2006.00354). 'auto' takes 'complete' where the model has groups, else 'x'.
    angles : tuple of float, optional
        Gammas, then betas, taken as they are instead of trained, for the normalised cost.
    objective : {"mean", "cvar"}
        What the training minimises: the mean energy, or the mean of its lowest part.
    cvar_alpha : float, optional
        That part, above 0 and at most 1; 0.1 if left out.
    training : {"auto", "ramp", "interp", "fourier", "multistart", "spsa", "cobyla"}
        How angles are found. One layer's are known in closed form (Ozaeta et al., arXiv
        2012.03421), and every way begins there.
        'auto' adds layer after layer by interpolation, each with a short descent by L-BFGS and
        adjoint gradients, and never ends above fewer layers;
        'ramp' takes the linear ramp (LR-QAOA, arXiv 2405.09169) without a search;
        'interp' and 'fourier' add layer after layer (Zhou et al., PRX 10, 021067, 2020), with
        descents to the end;
        'multistart' descends from the ramp and from random perturbations of it;
        'spsa' (Spall, 1998) and 'cobyla' (Powell, 1994) start from the ramp and see only shots of
        the noiseless state, which count among the run's shots and circuits.
    restarts : int, optional
        Random starts of training=multistart beside the ramp; 9 if left out.
    training_shots : int, optional
        Shots an evaluation of training=spsa and training=cobyla; 1024 if left out.
    trajectories : int, optional
        Noise trajectories that the shots are drawn from; by default as many as some 20 s of one
        thread allow, and the density matrix where it is small.
    precision : {"double", "single"}
        Of the amplitudes that the training and the noiseless device simulate; single precision
        takes half the time and memory, and is good to about six digits.
    optimisation_level : int, optional
        Of qiskit's compiler, 0 to 3; 3 if left out.
    compile_seed : int, optional
        Of the compiler; by default the run's seed.
    compile_tries : int, optional
        Seeds that the compiler tries, keeping the likeliest circuit to succeed; 4 if left out.
    postprocess : {"none", "repair", "descent"}
        What is made of the samples, and counted apart from them: 'repair' makes exactly-k groups
        hold by the fewest flips, 'descent' goes on from there to a local minimum.
    """

    p: int = 1
    shots: int = 1024
    device: str = "statevector"
    mixer: Literal["auto", "x", "ring", "complete", "grover"] = "auto"
    angles: tuple[float, ...] | None = None
    objective: Literal["mean", "cvar"] = "mean"
    cvar_alpha: float | None = None
    training: Training = "auto"
    restarts: int | None = None
    training_shots: int | None = None
    trajectories: int | None = None
    precision: Literal["double", "single"] = "double"
    optimisation_level: int | None = None
    compile_seed: int | None = None
    compile_tries: int | None = None
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
        if self.cvar_alpha is not None:
            if self.objective != "cvar":
                raise UsageError("cvar_alpha acts only with objective=cvar")
            if not 0.0 < self.cvar_alpha <= 1.0:
                raise UsageError(
                    f"cvar_alpha must be above 0 and at most 1, got {self.cvar_alpha:g}"
                )
        self._open(threads=1)

    def _check_training(self) -> None:
        """Refuse options of the training where they do not act."""
        if self.angles is not None and self.training != "auto":
            raise UsageError(f"angles are given, so training={self.training} cannot act: drop one")
        if self.restarts is not None and self.training != "multistart":
            raise UsageError("restarts acts only with training=multistart")
        if self.training_shots is not None and self.training not in BY_SHOTS:
            raise UsageError("training_shots acts only with training=spsa or training=cobyla")

    def solve(self, model: Qubo, budget: Budget, seed: int, progress: Progress) -> Outcome:
        """Train, compile and execute.

        Raises
        ------
        SizeError
            Where the register fits neither simulator nor device.
        """
        usage = Usage()
        if model.num_variables == 0:
            return Outcome(
                Status.FEASIBLE, np.zeros((1, 0), dtype=np.int8), usage=usage,
                reason="the model has no variables: nothing was executed",
            )
        ansatz = self._ansatz(model)
        with usage.phase("setup"):
            device = self._load(ansatz, budget.threads)
        clock = budget.start()
        watch = Watch(clock, progress)
        seeds = np.random.SeedSequence(seed).generate_state(3)
        progress.step(0.0, "training angles")
        with usage.phase("optimise"):
            trained, noiseless = self._angles(ansatz, budget, int(seeds[0]), watch)
        usage.evaluations = trained.evaluations
        usage.circuits, usage.shots = trained.circuits, trained.shots
        if watch.over:
            return _unfinished(usage, progress, "before the circuit was compiled")
        progress.step(0.3, "compiling")
        with usage.phase("compile"):
            wished = int(seeds[1] % 2**31) if self.compile_seed is None else self.compile_seed
            compiled = device.compile(ansatz.at(trained.angles), wished, watch)
            _describe(compiled, device, usage)
        progress.step(0.4, "executing")
        with usage.phase("execute"):
            samples = device.sample(compiled, self.shots, int(seeds[2]), watch)
        shots = len(samples.bits)
        if not shots:
            return _unfinished(usage, progress, "before a shot was taken")
        usage.circuits, usage.shots = trained.circuits + 1, trained.shots + shots
        # Circuits of the training differ from the last one in nothing but their angles.
        usage.device_seconds = compiled.seconds(usage.shots)
        details = self._details(model, ansatz, trained, noiseless) | _execution(compiled, samples)
        outcome = _outcome(model, ansatz, samples, usage, details,
                           self._reason(samples, clock, progress), progress)
        return postprocessing.improve(model, outcome, self.postprocess, clock, progress)

    def qasm3(self, model: Qubo) -> str:
        """The bound logical circuit of a model as OpenQASM 3, with angles as `solve` trains them.

        Raises
        ------
        SizeError
            Where angles have to be trained and the register is too large for that.
        """
        from qiskit import qasm3

        return str(qasm3.dumps(self.circuit(model)))

    def circuit(self, model: Qubo, seed: int = 0) -> Any:
        """The bound logical circuit of a model: a qiskit ``QuantumCircuit``."""
        ansatz = self._ansatz(model)
        angles = Angles.split(self.angles) if self.angles is not None else None
        if angles is None:
            check_size(ansatz)
            budget = Budget()
            first = int(np.random.SeedSequence(seed).generate_state(3)[0])
            watch = Watch(budget.start(), Progress())
            angles = self._angles(ansatz, budget, first, watch)[0].angles
        return circuits.build_circuit(ansatz.at(angles))

    def _ansatz(self, model: Qubo) -> Ansatz:
        """The initial state of a model.

        Raises
        ------
        UsageError
            Where a mixer acts within groups, and the model has none.
        """
        if self.mixer in GROUP_MIXERS and not model.groups:
            raise UsageError(
                f"mixer={self.mixer} acts within exactly-k groups and this model has none: "
                "take mixer=x or mixer=auto"
            )
        mixer: Mixer = self.mixer if self.mixer != "auto" else "complete" if model.groups else "x"
        return Ansatz.of(model, mixer)

    def _open(self, threads: int) -> Device:
        tries = self.compile_tries
        if tries is None and self.compile_seed is not None:
            tries = 4
        return open_device(
            self.device, level=self.optimisation_level, tries=tries,
            trajectories=self.trajectories, threads=threads, precision=self.precision,
        )

    def _load(self, ansatz: Ansatz, threads: int) -> Device:
        check_size(ansatz, self.precision)
        device = self._open(threads)
        device.load()
        if self.postprocess != "none":
            postprocessing.load()
        device.check_size(ansatz)
        warm_up(ansatz, self.precision)
        if self.angles is None:
            import scipy.optimize  # noqa: F401 - the import is what takes time
        return device

    def _objective(self) -> Objective:
        if self.objective == "mean":
            return Mean()
        return ConditionalValueAtRisk(self.cvar_alpha or _DEFAULT_ALPHA)

    def _angles(
        self, ansatz: Ansatz, budget: Budget, seed: int, watch: Watch
    ) -> tuple[Trained, dict[str, float]]:
        """Angles, and the noiseless figures of the state that they prepare."""
        cost = ansatz.cost
        simulator = open_simulator(ansatz, budget.threads, self.precision)
        objective = self._objective()
        if self.angles is not None:
            trained = Trained(Angles.split(self.angles), "given")
        else:
            late = _TRAINING_SHARE * watch.clock.limit
            restarts = DEFAULT_RESTARTS if self.restarts is None else self.restarts
            evaluations = budget.evaluations
            if evaluations is None:
                evaluations = default_evaluations(self.training, self.p, restarts)
            allowance = Allowance(
                evaluations,
                lambda: watch.progress.stopping or watch.clock.elapsed >= late,
            )
            trained = train(
                simulator, self.p, objective, allowance, training=self.training,
                restarts=restarts, shots=self.training_shots or DEFAULT_TRAINING_SHOTS, seed=seed,
            )
        if watch.over:
            return trained, {}
        figures = {"expectation": cost.energy(simulator.expectation(trained.angles))}
        if self.objective == "cvar":
            figures["cvar"] = cost.energy(simulator.value(trained.angles, objective))
        return trained, figures

    def _details(
        self, model: Qubo, ansatz: Ansatz, trained: Trained, noiseless: dict[str, float]
    ) -> dict[str, Any]:
        cost = ansatz.cost
        details: dict[str, Any] = {
            "p": trained.angles.layers,
            "gammas": list(trained.angles.gammas),
            "betas": list(trained.angles.betas),
            "mixer": ansatz.mixer,
            "convention": f"U = {_MIXERS[ansatz.mixer]}, after exp(-i gamma C); "
            "energy = scale * C + offset; gammas then betas",
            "scale": cost.scale,
            "offset": cost.offset,
            "angles_from": trained.source,
            "training": self.training if self.angles is None else "none",
            "objective": self.objective,
            "noiseless": noiseless,
            "uniform_mean": cost.offset,
        }
        if ansatz.groups:
            details["note"] = "means are over the bit strings that keep all groups"
        elif model.groups:
            details["penalties"] = {
                "groups": len(model.groups),
                "weights": sorted(set(model.penalty_weights())),
                "note": "energies in these details include the penalties",
            }
        return details

    def _reason(self, samples: Samples, clock: Clock, progress: Progress) -> str:
        words = [f"{len(samples.bits)} shots ({samples.method})"]
        if self.angles is None:
            by_shots = self.training in BY_SHOTS
            words.append(f"angles trained {'by noiseless shots' if by_shots else 'noiselessly'}")
        if len(samples.bits) < self.shots:
            ended = "interrupted" if progress.stopping else "the time limit came"
            words.append(f"{ended} before all {self.shots} shots")
        elif clock.expired:
            words.append("the time limit came")
        return "; ".join(words)


def _describe(compiled: Compiled, device: Device, usage: Usage) -> None:
    """Put the facts of a compiled circuit into the ledger."""
    logical = circuits.build_circuit(compiled.ansatz)
    usage.qubits = compiled.circuit.num_qubits
    usage.depth = circuits.depth(compiled.circuit)
    usage.two_qubit_gates = circuits.two_qubit_gates(compiled.circuit)
    usage.one_qubit_gates = compiled.one_qubit_gates
    usage.logical_depth = circuits.depth(logical)
    usage.logical_two_qubit_gates = circuits.two_qubit_gates(logical)
    usage.device = device.name
    usage.simulated = True
    usage.hypothetical = device.hypothetical
    usage.success_probability = compiled.success_probability


def _execution(compiled: Compiled, samples: Samples) -> dict[str, Any]:
    """What the record says of the execution."""
    facts: dict[str, Any] = {
        "circuit_hash": circuits.fingerprint(compiled.circuit),
        "sampling": samples.method,
        **compiled.details,
    }
    if samples.trajectories is not None:
        facts["noise_trajectories"] = samples.trajectories
    if compiled.duration is not None:
        facts["circuit_seconds"] = compiled.duration
    return facts


def _outcome(
    model: Qubo,
    ansatz: Ansatz,
    samples: Samples,
    usage: Usage,
    details: dict[str, Any],
    reason: str,
    progress: Progress,
) -> Outcome:
    """Distinct answers, those that keep the groups first, each part by energy."""
    answers, which, counts = np.unique(
        samples.bits, axis=0, return_inverse=True, return_counts=True
    )
    energies = model.energies(answers)
    broken = model.group_violations(answers)
    details["sampled"] = _sampled(model, ansatz, answers, which.reshape(-1), samples)
    order = np.lexsort((energies, broken))
    kept = broken[order[0]] == 0
    if kept:
        progress.incumbent(float(energies[order[0]]))
    return Outcome(
        Status.FEASIBLE if kept else Status.INFEASIBLE_ANSWERS,
        answers[order],
        counts=counts[order].astype(np.int64),
        independent=samples.trajectories,
        usage=usage,
        reason=reason if kept else f"no shot kept every group; {reason}",
        details=details,
    )


def _sampled(
    model: Qubo, ansatz: Ansatz, answers: NDArray[np.int8], which: NDArray[np.int64],
    samples: Samples,
) -> dict[str, Any]:
    """Figures of the shots, in the energies that the details speak of."""
    if not ansatz.groups:
        return _statistics(model.penalised().energies(answers)[which], samples.batch)
    # Noise carries shots out of the groups, where the objective means nothing.
    kept = (model.group_violations(answers) == 0)[which]
    share = {"kept_groups": float(kept.mean())}
    if not kept.any():
        return share
    batch = None if samples.batch is None else samples.batch[kept]
    return share | _statistics(model.energies(answers)[which[kept]], batch)


def _statistics(
    energies: NDArray[np.float64], batch: NDArray[np.int64] | None
) -> dict[str, float | None]:
    """Mean, best and standard error of the shots' energies, by trajectories where they are shared.

    Shots of one trajectory are alike, so the error is that of a mean over trajectories.
    """
    values, weights = energies, np.ones(len(energies))
    if batch is not None:
        _, which, counts = np.unique(batch, return_inverse=True, return_counts=True)
        weights = counts.astype(np.float64)
        values = np.bincount(which.reshape(-1), weights=energies) / weights
    mean, error = float(energies.mean()), None
    if len(values) > 1:
        squares = (weights * (values - mean)) ** 2
        correction = len(values) / (len(values) - 1)
        error = float(np.sqrt(correction * squares.sum()) / weights.sum())
    return {"mean": mean, "standard_error": error, "best": float(energies.min())}


def _unfinished(usage: Usage, progress: Progress, when: str) -> Outcome:
    ended = "interrupted" if progress.stopping else "the time limit came"
    return Outcome(Status.TIME_LIMIT, usage=usage, reason=f"{ended} {when}")
