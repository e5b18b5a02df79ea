"""How a run comes to its angles: given, stored, or trained on what can be simulated."""

from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import SizeError, UsageError
from qopt.forms import Qubo
from qopt.solver import Budget

from . import term_search
from .angle_search import DEFAULT_RESTARTS, DEFAULT_TRAINING_SHOTS, train
from .angles import (
    BY_SHOTS,
    Allowance,
    Stop,
    Trained,
    Vector,
    ramp,
    train_single_layer,
)
from .ansatz import Angles, Ansatz
from .closed_form import SingleLayer
from .devices import Device, Watch
from .devices.statevector import NAME as STATEVECTOR
from .fixed_angles import transferred
from .objective import ConditionalValueAtRisk, Gibbs, Mean, Objective
from .plans import evaluations_of
from .shot_search import Draw
from .simulate import Simulator, StateSimulator, StoppedError, Units, open_for_training
from .simulate.memory import MOST_QUBITS
from .simulate.product import ProductStatevector
from .simulate.statevector import units_of
from .stored_angles import circuit_name

if TYPE_CHECKING:
    from .solver import Qaoa

DEFAULT_ALPHA = 0.1
DEFAULT_ETA = 2.0

_SHARE = 0.4
"""Share of a time limit after which the angle search ends, so that there is time to execute."""

SHARE_WITHOUT_NOISE = 0.7
"""The same where executing is one more evaluation."""

_SHARE_OF_CONES = 0.5
"""The same for light cones, which end within an evaluation."""


class AngleFinder:
    """Finds the angles of one run, and what is known of the state that they prepare.

    The mean of a register that is too large for its state is known in light cones, where the cost
    is sparse and layers are few, and in closed form for one layer. Where neither helps, angles come
    from the table of regular graphs, and nothing is known of their state.

    Parameters
    ----------
    options : Qaoa
    model : Qubo
    ansatz : Ansatz
        Of the model.
    budget : Budget
    watch : Watch
    seed : int
    device : Device
        Loaded; only training under noise draws from it.
    """

    def __init__(
        self, options: "Qaoa", model: Qubo, ansatz: Ansatz, budget: Budget, watch: Watch, seed: int,
        device: Device,
    ) -> None:
        self.options, self.ansatz, self.budget = options, ansatz, budget
        self.model, self.device = model, device
        self.watch, self.seed = watch, seed
        self._in_time = True
        try:
            self.simulator = open_for_training(
                ansatz, options.p, budget.threads, options.precision,
                lambda: watch.past(_SHARE_OF_CONES),
            )
        except StoppedError:
            self.simulator, self._in_time = None, False

    @property
    def units(self) -> Units:
        """Usual sizes of the angles."""
        return units_of(self.ansatz.cost) if self.simulator is None else self.simulator.units

    @property
    def where(self) -> str:
        """What the simulator runs on; ``none`` without one."""
        return "none" if self.simulator is None else self.simulator.where

    def find(self) -> tuple[Trained[Any], dict[str, float]]:
        """Angles, and noiseless figures in the model's units.

        Raises
        ------
        SizeError
            Where a search was asked for by name, and nothing can be simulated.
        UsageError
            Where an objective or a way needs the whole state, and it does not fit.
        """
        objective = objective_of(self.options, self.simulator)
        trained: Trained[Any] = self._layers(objective)
        simulator: Any = self.simulator
        before: dict[str, float] = {}
        if self.options.multi_angle:
            one_a_layer = self._figures(simulator, trained.angles, Mean())
            before = {f"{name}_with_one_angle_a_layer": v for name, v in one_a_layer.items()}
            simulator = ProductStatevector(
                self.ansatz.cost, self.ansatz.tilts, self.budget.threads, self.options.precision
            )
            trained = self._terms(simulator, trained, objective)
        return trained, self._figures(simulator, trained.angles, objective) | before

    def _layers(self, objective: Objective) -> Trained[Angles]:
        """One angle of a kind a layer."""
        options = self.options
        if options.angles is not None:
            return Trained(Angles.split(options.angles), "given")
        stored = options.stored_angles
        if stored is not None:
            circuit = circuit_name(self.ansatz.mixer, self.ansatz.tilts is not None)
            return Trained(*stored.at(options.p, circuit, self.units))
        if self.simulator is None:
            return self._unsimulated()
        restarts = DEFAULT_RESTARTS if options.restarts is None else options.restarts
        evaluations = evaluations_of(options, self.budget)
        shots = options.training_shots or DEFAULT_TRAINING_SHOTS
        share = self._share / 2.0 if options.multi_angle else self._share
        return train(
            self.simulator, options.p, objective, Allowance(evaluations, self._late(share)),
            training=options.training, restarts=restarts, shots=shots, seed=self.seed,
            draw=self._noisy(shots) if options.training_noise else None,
        )

    def _noisy(self, shots: int) -> Draw:
        """Draws shots from the device under its noise.

        Shots outside the groups, where the objective means nothing, cost what penalties would.
        """
        cost, model = self.ansatz.cost, self.model.penalised()
        prepared = self.device.prepare(self.ansatz, self.options.p, self.seed, self.watch)

        def draw(angles: Angles, generator: np.random.Generator) -> Vector:
            seed = int(generator.integers(2**31))
            bits = self.device.sample(prepared(angles), shots, seed, self.watch).bits
            return (model.energies(bits) - cost.offset) / cost.scale

        return draw

    def _unsimulated(self) -> Trained[Angles]:
        """Angles of a register that no simulator takes."""
        cost, layers, training = self.ansatz.cost, self.options.p, self.options.training
        plain = self.ansatz.mixer == "x" and self.ansatz.tilts is None
        searched = training in ("interp", "fourier", "multistart") and self._in_time
        if not plain or searched or training in BY_SHOTS:
            raise SizeError(
                f"training={training}", cost.qubits, MOST_QUBITS, "qubits",
                "neither the state nor light cones of its terms fit; take training=fixed, or give "
                "angles",
            )
        first = train_single_layer(cost, self._late(self._share))
        if layers == 1 and training != "fixed":
            return Trained(first, f"{training}: the closed form of one layer")
        if training == "ramp":
            return Trained(ramp(first, layers), "ramp: linear, by the closed form of one layer")
        why = "no simulator takes so many qubits"
        if not self._in_time:
            why = "the time limit left none to make light cones"
        return Trained(
            transferred(cost, layers, first),
            f"{training}: the table of regular graphs, stretched to one layer's optimum, without a "
            f"search: {why}",
            complete=self._in_time,
        )

    def _terms(
        self, simulator: ProductStatevector, trained: Trained[Angles], objective: Objective
    ) -> Trained[Any]:
        """An angle for each term and qubit."""
        left = term_search.DEFAULT_EVALUATIONS
        if self.budget.evaluations is not None:
            left = self.budget.evaluations - trained.evaluations
        allowance = Allowance(left, self._late(self._share))
        return term_search.refine(simulator, trained, objective, allowance, self.seed)

    def _figures(
        self, simulator: Simulator | None, angles: Any, objective: Objective
    ) -> dict[str, float]:
        energy = self.ansatz.cost.energy
        if self.watch.over:
            return {}
        if simulator is None:
            if angles.layers > 1:
                return {}
            layer = SingleLayer(self.ansatz.cost)
            return {"expectation": energy(layer.value(angles.gammas[0], angles.betas[0]))}
        try:
            figures = {"expectation": energy(simulator.expectation(angles))}
        except StoppedError:
            return {}
        if objective.name != "mean":
            figures[objective.name] = energy(simulator.value(angles, objective))
        return figures

    @property
    def _share(self) -> float:
        return SHARE_WITHOUT_NOISE if self.device.name == STATEVECTOR else _SHARE

    def _late(self, share: float) -> Stop:
        return late(self.watch, share)


def objective_of(options: "Qaoa", simulator: Simulator | None) -> Objective:
    """What the training minimises.

    Raises
    ------
    UsageError
        Where it needs the whole state, and the simulator holds none.
    """
    name = options.objective
    if name == "mean":
        return Mean()
    if not isinstance(simulator, StateSimulator):
        raise UsageError(
            f"objective={name} needs the whole state, which is too large here: take objective=mean"
        )
    if name == "cvar":
        return ConditionalValueAtRisk(options.cvar_alpha or DEFAULT_ALPHA)
    deviation = float(np.std(simulator.diagonal))
    return Gibbs((options.gibbs_eta or DEFAULT_ETA) / (deviation or 1.0))


def late(watch: Watch, share: float) -> Stop:
    """Says when so much of the time is over, or an interrupt came.

    It is asked before every piece of work, with its size, and foresees how long it takes by the
    last one: on large registers a single evaluation takes much of a short limit.
    """
    clock, end = watch.clock, share * watch.clock.limit
    last, size, ended = clock.elapsed, 1.0, False

    def over(work: float = 1.0) -> bool:
        nonlocal last, size, ended
        now, unit = clock.elapsed, (clock.elapsed - last) / size
        last, size = now, work
        ended = ended or watch.progress.stopping or now + work * unit >= end
        return ended

    return over
