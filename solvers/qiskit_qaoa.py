"""qiskit-optimization's own path to QAOA, as it is: the peer that ours is measured against."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import SizeError, UnsupportedError, UsageError
from qopt.forms import Lowering, Program, Qubo
from qopt.forms.convert_qiskit import program_to_qiskit
from qopt.limits import times
from qopt.solver import Budget, Clock, Outcome, Progress, Status, Usage

MOST_QUBITS = 16
"""Largest model taken: there one evaluation of its sampler takes about a second."""

DEFAULT_EVALUATIONS = 1000
"""COBYLA's default in qiskit-optimization."""


@dataclass(frozen=True, kw_only=True)
class QiskitQaoa:
    """QAOA of qiskit-optimization: QuadraticProgramToQubo, MinimumEigenOptimizer, COBYLA.

    Every evaluation of the objective samples a circuit on qiskit's own noiseless sampler; the
    initial angles are random. A budget's evaluations are COBYLA's.

    Parameters
    ----------
    reps : int
        Layers.
    shots : int
        Shots of every evaluation and of the final circuit.
    penalty : float, optional
        Weight of the constraints; the library's own choice if left out.
    """

    reps: int = 1
    shots: int = 1024
    penalty: float | None = None

    def __post_init__(self) -> None:
        for name, value in (("reps", self.reps), ("shots", self.shots)):
            if value < 1:
                raise UsageError(f"{name} must be at least 1, got {value}")
        if self.penalty is not None and not self.penalty > 0.0:
            raise UsageError(f"penalty must be above 0, got {self.penalty:g}")

    def solve(
        self, model: Program | Qubo, budget: Budget, seed: int, progress: Progress
    ) -> Outcome:
        """Convert, optimise angles with shots, and take the final circuit's samples.

        Raises
        ------
        SizeError
            Where the program becomes more than `MOST_QUBITS` bits.
        UnsupportedError
            Where qiskit-optimization cannot turn it into a QUBO.
        """
        lowering = model.to_program() if isinstance(model, Qubo) else _as_it_is(model)
        program = lowering.model
        if program.num_variables == 0:
            return _empty(lowering)
        _check_size(program.num_variables)
        usage = Usage()
        with usage.phase("setup"):
            from qiskit.primitives import StatevectorSampler
            from qiskit_optimization.algorithms import MinimumEigenOptimizer
            from qiskit_optimization.minimum_eigensolvers import QAOA
            from qiskit_optimization.utils import algorithm_globals
        clock = budget.start()
        with usage.phase("compile"):
            source = program_to_qiskit(program)
            converter, qubits = _to_qubo(source, self.penalty)
        if clock.expired or progress.stopping:
            return Outcome(
                Status.TIME_LIMIT, usage=usage, reason="the run ended before a circuit was executed"
            )
        algorithm_globals.random_seed = seed
        training = _Training(_allowed(budget, self.shots), clock, progress, usage)
        peer = QAOA(
            StatevectorSampler(default_shots=self.shots, seed=seed), training, reps=self.reps
        )
        with usage.phase("execute"):
            result = MinimumEigenOptimizer(peer, converters=converter).solve(source)
        # Training ran within that call, and has a phase of its own.
        usage.phases["execute"].wall -= usage.phases["optimise"].wall
        usage.phases["execute"].cpu -= usage.phases["optimise"].cpu
        self._account(usage, training, result.min_eigen_solver_result.optimal_circuit, qubits)
        return self._outcome(lowering, result, usage, training, progress)

    def _account(self, usage: Usage, training: "_Training", circuit: Any, qubits: int) -> None:
        usage.evaluations = training.evaluations
        usage.circuits = training.evaluations + 1
        usage.shots = usage.circuits * self.shots
        usage.device, usage.simulated, usage.hypothetical = "statevector", True, True
        usage.qubits = qubits
        usage.depth = usage.logical_depth = circuit.depth(
            lambda gate: gate.operation.name not in ("measure", "barrier")
        )
        gates = [len(gate.qubits) for gate in circuit.data
                 if gate.operation.name not in ("measure", "barrier")]
        usage.two_qubit_gates = usage.logical_two_qubit_gates = gates.count(2)
        usage.one_qubit_gates = gates.count(1)

    def _outcome(
        self,
        lowering: Lowering[Program],
        result: Any,
        usage: Usage,
        training: "_Training",
        progress: Progress,
    ) -> Outcome:
        sign = 1.0 if lowering.model.sense == "minimise" else -1.0
        # The library's word on feasibility only sorts the answers; the problem judges them.
        samples = sorted(
            result.samples, key=lambda each: (each.status.name != "SUCCESS", sign * each.fval)
        )
        feasible = samples[0].status.name == "SUCCESS"
        if feasible:
            progress.incumbent(lowering.objective(float(samples[0].fval)))
        counts = np.rint([each.probability * self.shots for each in samples]).astype(np.int64)
        angles = result.min_eigen_solver_result.optimal_point
        return Outcome(
            Status.FEASIBLE if feasible else Status.INFEASIBLE_ANSWERS,
            [lowering.decode(np.asarray(each.x, dtype=np.float64)) for each in samples],
            counts=counts,
            usage=usage,
            reason=f"{self.shots} shots of the final circuit; {training.ending}",
            details={
                "reps": self.reps,
                "angles": [float(angle) for angle in angles],
                "training": f"COBYLA with {self.shots} shots an evaluation",
                "objective_at_the_end": float(result.min_eigen_solver_result.optimal_value),
            },
        )


class _Training:
    """COBYLA of qiskit-optimization, ended at the time limit with the best angles so far."""

    def __init__(
        self, most: tuple[int, bool], clock: Clock, progress: Progress, usage: Usage
    ) -> None:
        self._most, self._limited = most
        self._clock, self._progress, self._usage = clock, progress, usage
        self._slowest = 0.0
        self.evaluations = 0
        self.ending = ""

    def __call__(
        self,
        fun: Callable[[NDArray[np.float64]], float],
        x0: NDArray[np.float64],
        jac: Any = None,
        bounds: Any = None,
    ) -> Any:
        from qiskit_optimization.optimizers import COBYLA, OptimizerResult

        best = OptimizerResult()
        best.x, best.fun = np.asarray(x0, dtype=np.float64), np.inf

        def evaluate(angles: NDArray[np.float64]) -> float:
            if self._over or (self._limited and self.evaluations >= self._most):
                raise _EndedError
            begin = time.perf_counter()
            value = float(fun(angles))
            self._slowest = max(self._slowest, time.perf_counter() - begin)
            self.evaluations += 1
            if value < best.fun:
                best.x, best.fun = np.array(angles, dtype=np.float64), value
            return value

        with self._usage.phase("optimise"):
            try:
                result = COBYLA(maxiter=self._most).minimize(evaluate, x0, bounds=bounds)
                self.ending = f"COBYLA took {self.evaluations} evaluations"
            except _EndedError:
                result = best
                ended = "an interrupt" if self._progress.stopping else "the time limit"
                self.ending = f"{ended} ended COBYLA after {self.evaluations} evaluations"
            if self._limited and self.evaluations >= self._most:
                self.ending = f"the limit of shots ended COBYLA after {self._most} evaluations"
        return result

    @property
    def _over(self) -> bool:
        """Whether to end now: there must be time for this evaluation and the final sampling."""
        return self._progress.stopping or self._clock.remaining <= 2.0 * self._slowest


def _allowed(budget: Budget, shots: int) -> tuple[int, bool]:
    """Evaluations that COBYLA may take, and whether a limit of shots makes them fewer.

    Raises
    ------
    LimitError
        Where it leaves not even one beside the final circuit.
    """
    most = budget.evaluations or DEFAULT_EVALUATIONS
    if budget.meter is None:
        return most, False
    each = Usage(
        circuits=1, shots=shots, device="statevector", simulated=True, hypothetical=True
    )
    turns = budget.meter.affordable(each, each, most)
    whole = times(each, max(1, turns) + 1)
    budget.meter.admit(whole)
    return max(1, turns), turns < most


class _EndedError(Exception):
    """Ends COBYLA from within an evaluation; never leaves this module."""


def _to_qubo(source: Any, penalty: float | None) -> tuple[Any, int]:
    """The library's converter, and the number of bits that it needs."""
    from qiskit_optimization.converters import QuadraticProgramToQubo
    from qiskit_optimization.exceptions import QiskitOptimizationError

    converter = QuadraticProgramToQubo(penalty=penalty)
    try:
        qubits = converter.convert(source).get_num_vars()
    except QiskitOptimizationError as fault:
        raise UnsupportedError(
            f"qiskit-optimization cannot turn the program into a QUBO: {fault.message}"
        ) from fault
    _check_size(qubits)
    return converter, qubits


def _check_size(qubits: int) -> None:
    if qubits > MOST_QUBITS:
        raise SizeError(
            "qiskit-optimization's QAOA on its reference sampler", qubits, MOST_QUBITS, "qubits",
            "solver 'qaoa' takes more",
        )


def _as_it_is(program: Program) -> Lowering[Program]:
    return Lowering(program, decode=lambda values: values)


def _empty(lowering: Lowering[Program]) -> Outcome:
    """A program without variables has one answer, which keeps or breaks the constraints."""
    nothing = np.zeros(0)
    broken = lowering.model.violations(nothing)
    return Outcome(
        Status.PROVEN_INFEASIBLE if broken else Status.OPTIMAL,
        [] if broken else [lowering.decode(nothing)],
        reason="the model has no variables: nothing was executed",
    )
