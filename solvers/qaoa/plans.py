"""What a run is about to submit, held against its limits before it does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from qopt.errors import LimitError
from qopt.limits import times
from qopt.solver import Budget, Meter, Usage

from .angle_search import DEFAULT_RESTARTS, DEFAULT_TRAINING_SHOTS
from .angles import BY_SHOTS, Trained, default_evaluations
from .ansatz import Angles
from .circuit import depth
from .devices import Compiled, Device
from .results import add_caveat, describe

if TYPE_CHECKING:
    from qopt.solver import Outcome

    from .mitigate.execute import Plan
    from .solver import Qaoa

NOISY_EVALUATIONS = 60
"""Evaluations of a training under noise whose budget does not say: each simulates the noise."""

_USUAL = 0.1
"""An angle that no gate of a circuit vanishes at, so that it costs what others do."""


def plan_of(compiled: Compiled, device: Device, shots: int, circuits: int = 1) -> Usage:
    """The ledger of submitting a circuit so many times with so many shots in all."""
    plan = Usage()
    describe(compiled, device, plan)
    plan.circuits, plan.shots = circuits, shots
    plan.device_seconds = compiled.seconds(shots)
    plan.simulated = True  # until it is measured, all of it is an estimate
    return plan


def evaluations_of(options: "Qaoa", budget: Budget) -> int:
    """Evaluations that a search for angles may take."""
    if budget.evaluations is not None:
        return budget.evaluations
    if options.training_noise:
        return NOISY_EVALUATIONS
    restarts = DEFAULT_RESTARTS if options.restarts is None else options.restarts
    return default_evaluations(options.training, options.p, restarts)


def trains_by_shots(options: "Qaoa") -> bool:
    """Whether angles are searched by shots, which count among the run's."""
    given = options.angles is not None or options.angles_from is not None
    return options.training in BY_SHOTS and not given


@dataclass
class Admission:
    """The limits of one run, asked before its training and before its final circuit.

    Without a meter everything is admitted, and nothing compiled for it.

    Parameters
    ----------
    options : Qaoa
    meter : Meter, optional
    """

    options: "Qaoa"
    meter: Meter | None
    turns: int | None = None
    """Evaluations that the limits leave to a training by shots, where they leave fewer."""
    _held: Usage | None = field(default=None, repr=False)
    _each: Usage | None = field(default=None, repr=False)
    _bind: Callable[[Angles], Compiled] | None = field(default=None, repr=False)

    def foresee(self, device: Device) -> None:
        """Refuse at once what cannot be admitted in the end.

        Raises
        ------
        LimitError
        """
        if self.meter is not None:
            self.meter.foresee(Usage(
                circuits=1, shots=self.options.shots, device=device.name, simulated=True,
                hypothetical=device.hypothetical,
            ))

    def training(
        self, budget: Budget, prepare: Callable[[], Callable[[Angles], Compiled]], device: Device
    ) -> Budget:
        """The budget of the training: a search by shots gets what the final circuit leaves.

        Parameters
        ----------
        budget : Budget
        prepare : callable
            Compiles what the training submits, to be bound to any angles.
        device : Device

        Raises
        ------
        LimitError
            Where not even one evaluation and the final circuit are within the limits.
        """
        if self.meter is None or not trains_by_shots(self.options):
            return budget
        self._bind, layers = prepare(), self.options.p
        circuit = self._bind(Angles((_USUAL,) * layers, (_USUAL,) * layers))
        shots = self.options.training_shots or DEFAULT_TRAINING_SHOTS
        each = plan_of(circuit, device, shots)
        last = plan_of(circuit, device, self.options.shots)
        most = evaluations_of(self.options, budget)
        turns = self.meter.affordable(each, last, most)
        self._each, self._held = each, times(each, max(1, turns))
        self._held.add(last)
        self.meter.admit(self._held)
        if turns == most:
            return budget
        self.turns = turns
        return replace(budget, evaluations=turns)

    def execution(self, compiled: Compiled, device: Device, trained: Trained[Any]) -> Compiled:
        """The final circuit, admitted after what the training took of what was held for both.

        Where it came out dearer than the training's, which a place was held for, that one is bound
        to the angles instead: what was paid for the training is not to be lost.

        Raises
        ------
        LimitError
        """
        if self.meter is None:
            return compiled
        shots = self.options.shots
        if self._held is None or self._each is None or self._bind is None:
            self.meter.admit(plan_of(compiled, device, shots))
            return compiled
        self.meter.give_back(self._held)
        self.meter.admit(times(self._each, trained.circuits))
        try:
            self.meter.admit(plan_of(compiled, device, shots))
        except LimitError:
            if not isinstance(trained.angles, Angles):
                raise
            compiled = self._bind(trained.angles)
            self.meter.admit(plan_of(compiled, device, shots))
        return compiled

    def mitigation(self, plan: "Plan", device: Device) -> None:
        """Hold what a mitigation executes beside the circuit, each as long as its longest one.

        Raises
        ------
        LimitError
        """
        further = [
            (job.circuit, shots)
            for job, shots in zip(plan.jobs, plan.shots, strict=True)
            if job.role != "plain"
        ]
        if self.meter is None or not further:
            return
        compiled = plan.compiled
        longest = max((circuit for circuit, _ in further), key=depth)
        longer = max(1.0, depth(longest) / max(1, depth(compiled.circuit)))
        lasts = None if compiled.duration is None else compiled.duration * longer
        each = replace(compiled, circuit=longest, duration=lasts)
        shots = sum(shots for _, shots in further)
        self.meter.admit(plan_of(each, device, shots, len(further)))

    def tell(self, found: "Outcome") -> None:
        """Say where a limit shortened the training."""
        if self.turns is not None:
            add_caveat(
                found, "limited",
                f"limits of shots or money left the training {self.turns} evaluations",
            )
